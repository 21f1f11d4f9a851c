test_that("a plan is made and priced without data", {
  plan <- small_plan()
  expect_match(format(plan), "epsilon 4 at delta 1e-05")
  expect_output(print(plan), "do not add")
  costs <- summary(plan)
  expect_equal(sum(costs$share_of_budget), 1, tolerance = 1e-4)
  expect_true(all(costs$epsilon_alone > 0 & costs$epsilon_alone < 4))
  expect_equal(flip_plan_epsilon(plan, 1e-5), 4)
  expect_gt(flip_plan_epsilon(plan, 1e-7), 4)
  expect_gt(flip_plan_memory(plan, 1e7), flip_plan_memory(plan, 1000))
  expect_identical(as.list(plan)$config$autoencoder$steps, 12L)
  best <- flip_plan(small_schema, epsilon = 1, delta = 1e-5, preset = "best", config = list(focus = "city"))
  expect_match(as.character(best), '"focus":["city"]', fixed = TRUE)     # one column is still a list
  atoms <- flip_plan(small_schema, epsilon = 1, delta = 1e-5, preset = "published",
      config = list(encoder = list(atoms = list(income = 500))))
  expect_equal(as.list(atoms)$config$encoder$atoms$income, list(500))   # and so is one value
})

test_that("plans that cannot be are refused by code", {
  refused <- function(class, ...) expect_error(flip_plan(small_schema, ...), class = class)
  refused("flip_error_arg")
  refused("flip_error_arg", epsilon = 1)
  refused("flip_error_arg", epsilon = -1, delta = 1e-5)
  refused("flip_error_arg", epsilon = 1, delta = 1e-5, protected = "gender")
  refused("flip_error_arg", epsilon = 1, delta = 1e-5, config = list(speed = 3))
  refused("flip_error_arg", epsilon = 1, delta = 1e-5, config = list(epsilon = 2))
  refused("flip_error_arg", epsilon = 1, delta = 1e-5, config = list(3))
  refused("flip_error_arg", epsilon = Inf, delta = 1e-5)
  refused("flip_error_unsupported", epsilon = 1, delta = 1e-5, preset = "magic")
  refused("flip_error_budget", epsilon = 1e-9, delta = 1e-300)
})

test_that("a training gives a model, its rows and its ledger", {
  model <- small_model()
  rows <- flip_sample(model, 200, seed = 1)
  expect_s3_class(rows, "data.frame")
  expect_identical(dim(rows), c(200L, 10L))
  expect_identical(lapply(rows, class), lapply(frame, class))
  expect_identical(levels(rows$city), cities)
  expect_true(all(rows$age >= 18 & rows$age <= 90))
  expect_identical(flip_sample(model, 50, seed = 1, first = 100), `rownames<-`(rows[101:150, ], NULL))
  expect_identical(flip_sample(model, 200, seed = 1, threads = 1), rows)
  expect_false(identical(flip_sample(model, 200), flip_sample(model, 200)))
  expect_s3_class(flip_sample(model, 5, as = "flip_table"), "flip_table")
  ledger <- flip_ledger(model)
  expect_equal(ledger$epsilon, 4)
  expect_output(print(ledger), "promise  epsilon 4")
  releases <- as.data.frame(ledger)
  expect_setequal(releases$group, names(ledger$groups))
  expect_true(all(releases$count > 0 & releases$sampling_rate > 0 & releases$noise_multiplier > 0))
  expect_identical(summary(ledger)$group, names(ledger$groups))
  expect_match(format(ledger), "epsilon 4")
  expect_match(format(model), "epsilon 4 at delta 1e-05, 10 columns")
  expect_output(print(model), "flip_sample")
  expect_output(print(summary(model)), "protected   sex")
  expect_identical(as.character(flip_model_schema(model)), as.character(small_schema))
})

test_that("conditions hold for every row", {
  model <- small_model()
  rows <- flip_sample(model, 40, seed = 3,
      where = list(sex = factor("Female"), city = c("Bonn", NA), age = list(minimum = 30, maximum = 60),
      joined = list(minimum = as.Date("2020-02-01"))))
  expect_identical(nrow(rows), 40L)
  expect_true(all(rows$sex == "Female" & (is.na(rows$city) | rows$city == "Bonn") & rows$age >= 30 & rows$age <= 60 &
      rows$joined >= as.Date("2020-02-01")))
  expect_true(all(is.na(flip_sample(model, 10, where = list(member = NA))$member)))
  expect_true(all(flip_sample(model, 10, where = list(age = c(minimum = 50, maximum = 70)))$age %in% 50:70))
  expect_true(all(is.na(flip_sample(model, 10, where = list(member = NULL))$member)))
  several <- flip_sample(model, seed = 3, where = list(list(where = list(sex = "Male"), rows = 4), list(rows = 3)))
  expect_identical(nrow(several), 7L)
  expect_true(all(several$sex[1:4] == "Male"))
  whole <- flip_complete(model, data.frame(age = c(50, NA)), seed = 1)
  expect_true(nrow(whole) == 2 && whole$age[1] == 50 && !is.na(whole$age[2]))
  expect_error(flip_sample(model, 10, where = list(gender = "x")), "gender", class = "flip_error_arg")
  expect_error(flip_sample(model, 10, where = list("Female")), class = "flip_error_arg")
})

test_that("arguments are checked before the library sees them", {
  model <- small_model()
  for (n in list(0, -1, 1.5, NA, "3", 1:2, 1e300, Inf)) expect_error(flip_sample(model, n), class = "flip_error_arg")
  expect_error(flip_sample(model, 1, seed = 0.5), class = "flip_error_arg")
  expect_error(flip_sample(frame, 1), class = "flip_error_arg")
  expect_error(flip_train(frame), class = "flip_error_schema")
  expect_error(flip_train(frame, small_plan(), epsilon = 2), "epsilon", class = "flip_error_arg")
  expect_error(flip_train(frame, list()), class = "flip_error_arg")
  expect_error(flip_save(model, NA), class = "flip_error_arg")
  other <- flip_plan(flip_schema(flip_field("x", "boolean")), epsilon = 1, delta = 1e-5, preset = "published")
  expect_error(flip_train(flip_table(frame, small_schema), other), class = "flip_error_schema")
})

test_that("a model survives saveRDS, a file, serialisation and another process", {
  model <- small_model()
  rows <- flip_sample(model, 20, seed = 7)
  rds <- tempfile(fileext = ".rds")
  file <- tempfile(fileext = ".h5")
  saveRDS(model, rds)
  expect_identical(flip_sample(readRDS(rds), 20, seed = 7), rows)
  expect_identical(flip_sample(unserialize(serialize(model, NULL)), 20, seed = 7), rows)
  expect_identical(flip_save(model, file), model)
  expect_identical(flip_sample(flip_load(file), 20, seed = 7), rows)
  expect_identical(flip_sample(flip_load(readBin(file, "raw", file.size(file))), 20, seed = 7), rows)
  expect_equal(flip_ledger(file)$epsilon, 4)
  expect_true(flip_file_check(file)$usable)
  said <- run_r(sprintf("m <- readRDS('%s'); gc(); cat(sum(flip_sample(m, 20, seed = 7)$age), format(m))", rds))
  expect_match(said[length(said)], paste0("^", sum(rows$age), " <flip_model> epsilon 4"))
  bytes <- readBin(file, "raw", file.size(file))
  bytes[length(bytes) %/% 2] <- xor(bytes[length(bytes) %/% 2], as.raw(255))
  expect_error(flip_load(bytes), class = "flip_error_format")
  expect_error(flip_load(tempfile()), class = "flip_error_io")
})

test_that("schemas and plans survive saveRDS, and a plan of other defaults does not", {
  rds <- tempfile()
  plan <- small_plan()
  saveRDS(list(plan, small_schema), rds)
  both <- readRDS(rds)
  expect_equal(flip_plan_epsilon(both[[1]], 1e-5), 4)
  expect_identical(as.data.frame(flip_table(frame, both[[2]])), frame)
  expect_s3_class(flip_train(frame, both[[1]]), "flip_model")
  old <- readRDS(rds)[[1]]
  old$json <- sub("\"width\":4", "\"width\":5", old$json)
  expect_error(print(old), "another version", class = "flip_error_version")
})

test_that("progress is told, bars end, and an error of the teller stops cleanly", {
  seen <- list()
  flip_train(frame, small_plan(), progress = function(p) seen[[length(seen) + 1]] <<- p)
  last <- seen[[length(seen)]]
  expect_true(last$done && last$step == last$total && last$epsilon > 0 && last$epsilon <= 4)
  expect_error(flip_train(frame, small_plan(), progress = function(p) stop("mine")), "mine")
  expect_error(flip_sample(small_model(), 20000, progress = function(p) stop("mine")), "mine")
  calls <- 0
  flip_sample(small_model(), 20000, progress = function(p) calls <<- calls + p$step / p$total)
  expect_gt(calls, 0)
  leave <- function(p) signalCondition(structure(class = c("away", "condition"), list(message = "", call = NULL)))
  expect_identical(tryCatch(flip_sample(small_model(), 20000, progress = leave), away = function(e) "left"), "left")
  expect_s3_class(suppressMessages(flip_train(frame, small_plan(), progress = TRUE)), "flip_model")
  expect_error(flip_train(frame, small_plan(), progress = "yes"), class = "flip_error_arg")
  bar <- libflip:::text_bar()
  said <- capture.output(type = "message", { bar$update(last); bar$close() })
  expect_match(paste(said, collapse = ""), "100%")
})

test_that("a checkpoint is never overwritten, and is gone on with by its own plan only", {
  path <- tempfile(fileext = ".h5")
  plan <- small_plan()
  expect_error(flip_train(frame, plan, checkpoint = path, progress = function(p) stop("power cut")), "power cut")
  expect_true(file.exists(path))
  expect_error(flip_train(frame, plan, checkpoint = path), "resume", class = "flip_error_state")
  other <- flip_plan(small_schema, epsilon = 3, delta = 1e-5, config = small)
  expect_error(flip_train(frame, other, checkpoint = path, resume = TRUE), "another plan", class = "flip_error_state")
  expect_s3_class(flip_train(frame, plan, checkpoint = path, resume = TRUE), "flip_model")
  expect_s3_class(flip_train(frame, plan, checkpoint = tempfile(), resume = TRUE), "flip_model")
})

test_that("a time limit ends a training, a sampling and a reading, and the session goes on", {
  plan <- flip_plan(small_schema, protected = "sex", epsilon = 4, delta = 1e-5, config = long)
  limited <- function(seconds, code) {
    setTimeLimit(elapsed = seconds, transient = TRUE)
    on.exit(setTimeLimit())
    tryCatch(code, error = conditionMessage)
  }
  started <- Sys.time()
  expect_match(limited(1, flip_train(frame, plan)), "elapsed time limit")
  expect_match(limited(0.3, flip_sample(small_model(), 5e7)), "elapsed time limit")
  expect_lt(as.numeric(Sys.time() - started, units = "secs"), 60)
  expect_identical(nrow(flip_sample(small_model(), 10)), 10L)
  expect_s3_class(flip_train(frame, small_plan()), "flip_model")
})

test_that("SIGINT ends a training and a sampling, and the session goes on", {
  skip_on_os("windows")
  ready <- tempfile()
  output <- run_r(wait = FALSE, c(
    sprintf("source('%s', local = TRUE)", normalizePath(test_path("helper-things.R"))),
    "plan <- flip_plan(small_schema, protected = 'sex', epsilon = 4, delta = 1e-5, config = long)",
    sprintf("told <- function(p) if (!file.exists('%s')) writeLines(as.character(Sys.getpid()), '%s')", ready, ready),
    "first <- tryCatch(flip_train(frame, plan, progress = told), interrupt = function(e) 'stopped')",
    "model <- flip_train(frame, small_plan())",
    sprintf("invisible(file.remove('%s'))", ready),
    "second <- tryCatch(flip_sample(model, 1e8, progress = told), interrupt = function(e) 'stopped')",
    "cat('first', first, '\\n'); cat('second', second, '\\n'); cat('rows', nrow(flip_sample(model, 12)), '\\n')"))
  interrupt <- function() {
    if (!await(function() file.exists(ready) && length(readLines(ready, warn = FALSE)) == 1)) return(FALSE)
    pid <- as.integer(readLines(ready))
    Sys.sleep(0.2)
    tools::pskill(pid, tools::SIGINT)
    pid
  }
  pid <- interrupt()
  expect_gt(pid, 0)
  expect_true(await(function() !file.exists(ready)))
  expect_identical(interrupt(), pid)
  expect_true(await(function() any(grepl("^rows", readLines(output, warn = FALSE)))),
      info = paste(readLines(output, warn = FALSE), collapse = "\n"))
  said <- readLines(output, warn = FALSE)
  expect_true(all(c("first stopped ", "second stopped ", "rows 12 ") %in% said), info = paste(said, collapse = "\n"))
})

test_that("models work in forked workers, tables say that they do not", {
  skip_on_os("windows")
  model <- small_model()
  table <- flip_table(frame, small_schema)
  rows <- parallel::mclapply(1:2, function(i) flip_sample(model, 10, seed = i), mc.cores = 2)
  expect_identical(rows[[1]], flip_sample(model, 10, seed = 1))
  said <- parallel::mclapply(1:2, function(i) tryCatch(as.data.frame(table), flip_error_state = conditionMessage),
      mc.cores = 2)
  expect_match(said[[1]], "another R process")
  expect_identical(as.data.frame(table), frame)
})

test_that("handles are freed in any order and however often", {
  plan <- small_plan()
  model <- flip_train(flip_table(frame, small_schema), plan)
  rm(plan)
  for (i in 1:3) gc()
  expect_identical(nrow(flip_sample(model, 5)), 5L)
  .Call("r_free", model$pointer, PACKAGE = "libflip")
  .Call("r_free", model$pointer, PACKAGE = "libflip")
  expect_identical(nrow(flip_sample(model, 5)), 5L)
  expect_error(.Call("r_table_rows", model$pointer, PACKAGE = "libflip"), "not a flip_table")
  expect_error(.Call("r_model_json", 3, PACKAGE = "libflip"), "not a flip_model")
})

test_that("a checkpoint is written when a stage has ended, long before half a minute", {
  plan <- flip_plan(small_schema, protected = "sex", epsilon = 4, delta = 1e-5, config = long)
  checkpoint <- tempfile(fileext = ".h5")
  copies <- c(tempfile(fileext = ".h5"), tempfile(fileext = ".h5"))
  steps <- numeric()
  copy <- function(p) {
    steps <<- c(steps, p$step)
    if (length(steps) == 1) file.copy(checkpoint, copies[1])        # before the first slice is written
    if (length(steps) == 3) {
      file.copy(checkpoint, copies[2])
      stop("killed")
    }
  }
  expect_error(flip_train(frame, plan, checkpoint = checkpoint, progress = copy), "killed")
  expect_false(tools::md5sum(copies[1]) == tools::md5sum(copies[2]))
  resumed <- NULL
  tell <- function(p) {
    resumed <<- p$step
    stop("seen")
  }
  expect_error(flip_train(frame, plan, checkpoint = copies[2], resume = TRUE, progress = tell), "seen")
  expect_gt(resumed, steps[1])
})
