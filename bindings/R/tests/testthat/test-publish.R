# Pages, figures with intervals and combining rules.

quick <- list(autoencoder = list(steps = 2), diffusion = list(steps = 2), rake = list(enabled = FALSE),
              projection = list(steps = 30, rows = 64), threads = 2)
schema <- flip_schema(flip_field("x", "string", enum = c("a", "b"), required = TRUE),
                      flip_field("y", "integer", minimum = 0, maximum = 99, required = TRUE))
set.seed(3)
rows <- data.frame(x = rep(c("a", "b"), 1500), y = pmin(99, pmax(0, round(rnorm(3000, 40 + rep(c(0, 10), 1500), 12)))))
model <- flip_train(rows, schema = schema, epsilon = 8, delta = 1e-5, config = quick)

test_that("figures hold the rows' own", {
  answer <- flip_estimate(model, "mean", "y", by = "x", contrast = "difference", reference = "a")
  groups <- as.data.frame(answer)
  expect_identical(groups$group, c("a", "b"))
  truth <- tapply(rows$y, rows$x, mean)
  expect_true(all(groups$low - 1 < truth & truth < groups$high + 1))
  contrast <- as.data.frame(answer, part = "contrasts")
  expect_true(contrast$low < 10 && 10 < contrast$high)
  expect_output(print(answer), "95 % intervals")
  slope <- as.data.frame(flip_estimate(model, "linear", "y", predictors = "x"))
  expect_identical(slope$term, c("(intercept)", "x=b"))
  expect_error(flip_estimate(model, "mean", "x"), class = "flip_error")
})

test_that("several tables are combined by the rule for synthetic data", {
  tables <- flip_sample_many(model, m = 3, n = 400, seed = 1)
  expect_s3_class(tables, "imputationList")
  expect_identical(vapply(tables$imputations, nrow, 0L), rep(400L, 3))
  fits <- lapply(tables$imputations, function(d) lm(y ~ x, d))
  expect_identical(rownames(flip_combine(fits)), c("(Intercept)", "xb"))
  by_hand <- flip_combine(c(1, 2, 3), c(0.1, 0.1, 0.1))
  expect_equal(by_hand$standard_error, sqrt(4 / 3 - 0.1))
  expect_equal(by_hand$degrees_of_freedom, 2 * (1 - 0.1 / (4 / 3))^2)
  expect_equal(flip_combine(c(1, 1, 1), c(0.3, 0.3, 0.3))$standard_error, sqrt(0.1))
  expect_error(flip_combine(1, 1), class = "flip_error")
})

test_that("a page is written", {
  path <- tempfile(fileext = ".html")
  expect_identical(flip_report(model, path, title = "Ward & co", rows = 200), path)
  page <- paste(readLines(path, encoding = "UTF-8"), collapse = "\n")
  expect_match(page, "Ward &amp; co")
  expect_identical(flip_report(model, rows = 200)$kind, "report")
})

test_that("another strength is made from the same releases, and the curve is a data frame", {
  groups <- flip_schema(flip_field("g", "string", enum = c("a", "b"), required = TRUE),
      flip_field("x", "boolean"), flip_field("y", "boolean"))
  related <- data.frame(g = rep(c("a", "b"), 600), x = rep(c(TRUE, FALSE), 600), y = rep(c(TRUE, FALSE, FALSE), 400))
  aligned <- flip_train(related, schema = groups, protected = "g", epsilon = 8, delta = 1e-5, config = quick)
  other <- flip_refit(aligned, list(fairness = list(strength = 3)))
  expect_identical(as.data.frame(flip_ledger(other)), as.data.frame(flip_ledger(aligned)))
  curve <- flip_frontier(aligned, c(0, 2))
  expect_identical(curve$strength, c(0, 2))
  expect_true(all(curve$disparity >= 0 & curve$auc > 0))
  # Without protected columns there is no curve.
  expect_error(flip_frontier(model, 1), class = "flip_error")
  expect_error(flip_refit(model, list(epsilon = 9)), class = "flip_error_arg")
})
