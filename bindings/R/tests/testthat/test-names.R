test_that("every function that is exported begins with flip_, but for the deprecated names", {
  exported <- getNamespaceExports("libflip")
  expect_setequal(grep("^flip_", exported, value = TRUE, invert = TRUE), names(libflip:::renamed))
  expect_true(all(libflip:::renamed %in% exported))
})

test_that("a deprecated name does what its new name does, and warns once", {
  rm(list = ls(libflip:::warned), envir = libflip:::warned)
  accountant <- flip_add_releases(flip_accountant(), 3)
  expect_warning(old <- epsilon_at(accountant, delta = 1e-5), "flip_epsilon_at", class = "deprecatedWarning")
  expect_identical(old, flip_epsilon_at(accountant, 1e-5))
  expect_no_warning(epsilon_at(accountant, 1e-6))
  expect_warning(delta_at(accountant, 1), "flip_delta_at", class = "deprecatedWarning")
  file <- tempfile(fileext = ".csv")
  expect_warning(write_flip_csv(flip_table(frame, small_schema), file), "flip_write_csv")
  expect_warning(back <- read_flip_csv(file, small_schema), "flip_read_csv")
  expect_identical(as.data.frame(back), frame)
  for (old in names(libflip:::renamed)) expect_identical(names(formals(get(old))), "...")
})
