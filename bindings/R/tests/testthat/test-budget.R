under <- function(budget, ...) flip_plan(small_schema, protected = "sex", config = small, budget = budget, ...)

test_that("trainings share a budget, which refuses the one that would overspend", {
  budget <- flip_budget(tempfile(fileext = ".budget"), epsilon = 4, delta = 1e-5)
  expect_equal(as.list(budget)$spent, 0)
  model <- flip_train(frame, under(budget, share = 0.6, name = "first"))
  expect_s3_class(model, "flip_model")
  runs <- summary(budget)
  expect_identical(runs$name, "first")
  expect_equal(runs$share, 0.6, tolerance = 1e-6)
  expect_false(runs$open)
  expect_error(flip_train(frame, under(budget, share = 0.6)), class = "flip_error_budget")
  left <- as.list(budget)$remaining
  flip_train(frame, under(budget, epsilon = left * 0.9))
  expect_lte(as.list(budget)$spent, 4)
  expect_equal(sum(summary(budget)$share), as.list(budget)$spent_share, tolerance = 1e-9)
  expect_output(print(budget), "first")
})

test_that("mechanisms of the host's own are charged before they are drawn", {
  budget <- flip_budget(tempfile(fileext = ".budget"), epsilon = 1, delta = 1e-6, selection_delta = 1e-7)
  flip_budget_charge(budget, "mean age", noise_multiplier = 30)
  flip_budget_charge(budget, "counts", "laplace", scale = 50, count = 2)
  flip_budget_charge(budget, "levels", "selection", delta = 5e-8)
  expect_identical(summary(budget)$kind, rep("own", 3))
  before <- as.list(budget)$spent
  expect_error(flip_budget_charge(budget, "all of it", noise_multiplier = 0.1), class = "flip_error_budget")
  expect_identical(as.list(budget)$spent, before)
  expect_error(flip_budget_charge(budget, "odd", "magic"), class = "flip_error_arg")
  expect_error(flip_budget_settle(budget, "nobody"), class = "flip_error_arg")
})

test_that("the file is the budget: opened again, read back, kept by a plan", {
  path <- tempfile(fileext = ".budget")
  budget <- flip_budget(path, epsilon = 4, delta = 1e-5)
  plan <- under(budget, share = 0.5)
  again <- unserialize(serialize(plan, NULL))
  expect_identical(as.character(again), as.character(plan))
  flip_train(frame, again)
  expect_equal(as.list(flip_budget(path))$spent, as.list(budget)$spent)
  expect_equal(as.list(unserialize(serialize(budget, NULL)))$spent_share, summary(budget)$share, tolerance = 1e-6)
  expect_error(flip_budget(path, epsilon = 5, delta = 1e-5), class = "flip_error_arg")
  expect_error(flip_budget(tempfile()), class = "flip_error_io")
  expect_error(flip_plan(small_schema, epsilon = 1, delta = 1e-5, share = 0.5), class = "flip_error_arg")
  expect_error(flip_plan(small_schema, budget = path, share = 0.5), class = "flip_error_arg")
})

test_that("a checkpoint goes on under its budget alone", {
  budget <- flip_budget(tempfile(fileext = ".budget"), epsilon = 4, delta = 1e-5)
  plan <- flip_plan(small_schema, protected = "sex", config = long, budget = budget, share = 0.5)
  checkpoint <- tempfile(fileext = ".ckpt")
  steps <- 0
  expect_error(flip_train(frame, plan, checkpoint = checkpoint,
      progress = function(p) if ((steps <<- steps + 1) > 3) stop("enough")), "enough")
  expect_true(summary(budget)$open)
  other <- flip_budget(tempfile(fileext = ".budget"), epsilon = 4, delta = 1e-5)
  elsewhere <- plan
  elsewhere$budget <- other
  expect_error(flip_train(frame, elsewhere, checkpoint = checkpoint, resume = TRUE), class = "flip_error_state")
  steps <- 0
  expect_error(flip_train(frame, plan, checkpoint = checkpoint, resume = TRUE,
      progress = function(p) if ((steps <<- steps + 1) > 3) stop("enough again")), "enough again")
  expect_identical(nrow(summary(budget)), 1L)
  flip_budget_settle(budget, summary(budget)$run)
  expect_false(summary(budget)$open)
})
