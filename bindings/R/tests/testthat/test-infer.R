test_that("a schema is read off a frame and a file, marked, and the rows fit it", {
  ours <- flip_infer(frame)
  kinds <- function(schema) setNames(summary(schema)$type, summary(schema)$name)
  expect_identical(kinds(ours), kinds(small_schema))
  expect_identical(as.list(ours)[["flip:domain"]], "assume-public")
  expect_output(print(ours), "assumed public")
  expect_identical(dim(flip_table(frame, ours)), dim(frame))
  expect_true(flip_check(ours, frame)$fits)
  csv <- tempfile(fileext = ".csv")
  flip_write_csv(flip_table(frame, small_schema), csv)
  theirs <- flip_infer(csv, progress = function(p) NULL)
  expect_identical(as.list(theirs)$fields[-3], as.list(ours)$fields[-3])        # a file has no levels in order
  found <- flip_check(theirs, csv)
  expect_true(found$fits)
  expect_identical(found$rows, 600L)
  h5 <- tempfile(fileext = ".h5")
  flip_write_hdf5(flip_table(frame, small_schema), h5)
  expect_identical(as.character(flip_infer(h5)), as.character(small_schema))    # it holds its schema
})

test_that("a factor's levels are a declaration", {
  size <- data.frame(size = factor(rep(c("s", NA, "l"), 9), levels = c("s", "m", "l")))
  expect_identical(as.list(flip_infer(size))$fields[[1]]$constraints, list(enum = list("s", "m", "l")))
})

test_that("columns that cannot be generated are named together, without a value", {
  strange <- cbind(frame, id = sprintf("p%d", seq_len(nrow(frame))), note = sprintf("CANARY %d", seq_len(nrow(frame))))
  strange$all <- I(as.list(strange$age))
  said <- tryCatch(flip_infer(strange), flip_error_schema = conditionMessage)
  for (name in c("id", "note", "all")) expect_match(said, name)
  expect_no_match(said, "CANARY")
  expect_identical(summary(flip_infer(strange, skip = c("id", "note", "all")))$name, names(frame))
  expect_error(flip_infer(frame, skip = "nobody"), "nobody", class = "flip_error_arg")
  expect_error(flip_infer(frame["sex"], levels = 0), class = "flip_error_arg")
  expect_error(flip_infer(tempfile()), class = "flip_error_io")
})

test_that("an edited schema is written and read back", {
  path <- tempfile(fileext = ".json")
  schema <- flip_infer(frame)
  expect_identical(flip_write_schema(schema, path), schema)
  expect_gt(length(readLines(path)), 30)
  expect_identical(as.character(flip_schema(path)), as.character(schema))
  edited <- as.list(schema)
  edited[["flip:domain"]] <- NULL
  expect_output(print(flip_schema(edited)), "by your declaration")
  expect_error(flip_write_schema(schema, file.path(tempfile(), "x.json")), class = "flip_error_io")
})

test_that("all that a frame and a file break is told at once", {
  bad <- transform(frame, sex = as.character(sex), extra = 1)
  bad$age[c(4, 6)] <- 17L
  bad$sex[8] <- "CANARY"
  bad$seen <- bad$weight - bad$weight[1]
  class(bad$seen) <- "difftime"
  found <- flip_check(small_schema, bad[names(bad) != "weight"])
  expect_false(found$fits)
  expect_identical(found$missing_columns, "weight")
  expect_identical(found$unknown_columns, "extra")
  expect_identical(found$problems$column, c("age", "sex", "seen"))
  expect_identical(found$problems$count[1:2], c(2, 1))
  expect_identical(found$problems$first[1:2], c(4, 8))
  said <- paste(capture.output(print(found)), collapse = "\n")
  expect_match(said, "5 ways")
  expect_no_match(said, "CANARY")
  expect_null(flip_check(small_schema, bad, extra = "ignore")$unknown_columns)
  expect_false(flip_check(small_schema, frame[0, ])$fits)
  csv <- tempfile(fileext = ".csv")
  flip_write_csv(flip_table(frame, small_schema), csv)
  lines <- readLines(csv)
  lines[c(5, 7)] <- sub("^[0-9]+", "17", lines[c(5, 7)], useBytes = TRUE)
  writeLines(lines, csv, useBytes = TRUE)
  found <- flip_check(small_schema, csv)
  expect_identical(found$problems[c("column", "count", "first")], data.frame(column = "age", count = 2, first = 5))
  expect_match(format(flip_check(small_schema, frame)), "fit")
})

test_that("the ledger of such a schema says so", {
  few <- frame[c("age", "sex")]
  config <- small
  config$diffusion <- list(enabled = FALSE)
  model <- flip_train(few, schema = flip_infer(few), epsilon = 4, delta = 1e-5, config = config)
  expect_match(paste(unlist(flip_ledger(model)$assumptions), collapse = " "), "the schema was read off the rows")
})
