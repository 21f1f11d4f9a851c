test_that("an accountant is a value: composing gives a new one", {
  none <- flip_accountant()
  some <- flip_add_releases(none, noise_multiplier = 1.6, sampling_rate = 0.03, count = 400)
  expect_identical(flip_epsilon_at(none, 1e-5), 0)
  expect_gt(flip_epsilon_at(some, 1e-5), 1)
  expect_equal(flip_delta_at(some, flip_epsilon_at(some, 1e-5)), 1e-5, tolerance = 1e-6)
  both <- flip_add_releases(some, c(5, 6), count = c(1, 2))
  expect_gt(flip_epsilon_at(both, 1e-5), flip_epsilon_at(some, 1e-5))
  expect_identical(nrow(both$releases), 3L)
  expect_output(print(both), "3 releases")
  expect_true(all(diff(summary(both)$epsilon) > 0))
  again <- unserialize(serialize(both, NULL))
  expect_identical(flip_epsilon_at(again, 1e-5), flip_epsilon_at(both, 1e-5))
  expect_identical(flip_epsilon_at(flip_add_releases(none, 0), 1e-5), Inf)
})

test_that("a Gaussian release agrees with the closed form of its divergence", {
  sigma <- 2
  orders <- c(2:64, 128, 256, 512, 1024)
  delta <- 1e-5
  bound <- min(orders / (2 * sigma^2) + log((orders - 1) / orders) - (log(delta) + log(orders)) / (orders - 1))
  expect_equal(flip_epsilon_at(flip_add_releases(flip_accountant(), sigma), delta), bound, tolerance = 1e-9)
})

test_that("a host's own mechanisms stand beside, for one row or a person's rows", {
  none <- flip_accountant()
  expect_equal(flip_epsilon_at(flip_add_mechanism(none, "pure", 0.5), 1e-9), 0.5, tolerance = 0.05)
  laplace <- flip_add_mechanism(flip_accountant(kind = "pld"), "laplace", 4, count = 2)
  expect_lte(flip_epsilon_at(laplace, 1e-9), 0.5 + 1e-6)
  expect_gt(flip_epsilon_at(laplace, 1e-9), 0.4)
  gaussian <- flip_add_releases(none, 3)
  expect_equal(flip_epsilon_at(flip_add_mechanism(none, "zcdp", 1 / 18), 1e-5), flip_epsilon_at(gaussian, 1e-5),
      tolerance = 1e-9)
  expect_equal(flip_epsilon_at(flip_add_mechanism(none, "discrete_gaussian", 30, sensitivity = 10), 1e-5),
      flip_epsilon_at(gaussian, 1e-5), tolerance = 1e-3)
  expect_equal(flip_delta_at(flip_add_mechanism(none, "selection", 1e-6), 1), 1e-6, tolerance = 1e-6)
  expect_gt(flip_epsilon_at(flip_add_releases(flip_accountant(rows = 2), 3), 1e-5),
      1.9 * flip_epsilon_at(gaussian, 1e-5))
  expect_error(flip_add_mechanism(none, "magic", 1), class = "flip_error_arg")
  expect_error(flip_add_mechanism(none, "pure", -1), class = "flip_error_arg")
  expect_error(flip_accountant(rows = 0), class = "flip_error_arg")
})

test_that("a model's ledger composes to what it says", {
  model <- small_model()
  ledger <- flip_ledger(model)
  expect_equal(flip_epsilon_at(flip_accountant(model), ledger$delta), ledger$spent, tolerance = 1e-9)
  for (group in names(ledger$groups)) {
    expect_equal(flip_epsilon_at(flip_accountant(model, group = group), ledger$delta), ledger$groups[[group]],
        tolerance = 1e-9)
  }
  expect_error(flip_accountant(model, group = "nobody"), class = "flip_error_arg")
  expect_gt(flip_epsilon_at(flip_add_releases(flip_accountant(model), 3), ledger$delta), ledger$spent)
})

test_that("calibration meets the budget", {
  noise <- flip_calibrate(2, 1e-5, sampling_rate = 0.03, count = 400)
  expect_equal(flip_epsilon_at(flip_add_releases(flip_accountant(), noise, 0.03, 400), 1e-5), 2, tolerance = 1e-3)
  scale <- flip_calibrate(2, 1e-5,
      events = data.frame(sampling_rate = c(1, 0.03), noise_multiplier = c(4, 1), count = c(1, 400)))
  expect_gt(scale, 0)
  expect_error(flip_calibrate(2, 1e-5), class = "flip_error_arg")
  expect_error(flip_calibrate(1e-9, 1e-300, sampling_rate = 1), class = "flip_error_budget")
})

test_that("what cannot be is refused where it is added", {
  refused <- function(class, ...) expect_error(flip_add_releases(flip_accountant(), ...), class = class)
  refused("flip_error_arg", -1)
  refused("flip_error_arg", 1, 2)
  refused("flip_error_arg", 1, 0.5, 1.5)
  refused("flip_error_arg", NA)
  refused("flip_error_arg", "1")
  expect_error(flip_accountant(kind = "moments"), class = "flip_error_unsupported")
  expect_error(flip_epsilon_at(flip_accountant(), 2), class = "flip_error_arg")
  expect_error(flip_epsilon_at(3, 0.5), class = "flip_error_arg")
})
