# What the tests share: a small schema, a made-up table, a plan that trains in a second. Non-ASCII letters by their
# numbers, so that the files mean the same in every locale.

cities <- c("Bonn", "K\u00f6ln", "Trier, \"S\u00fcd\"")

small_schema <- flip_schema(
  flip_field("age", "integer", minimum = 18, maximum = 90, required = TRUE),
  flip_field("sex", "string", enum = c("Female", "Male"), required = TRUE),
  flip_field("city", "string", enum = cities),
  flip_field("stay", "integer", minimum = 0, maximum = 60),
  flip_field("income", "number", minimum = 0, maximum = 1000, multiple_of = 0.5),
  flip_field("weight", "number", minimum = 0, maximum = 200),
  flip_field("member", "boolean"),
  flip_field("ward", "integer", enum = c(3, 5, 9)),
  flip_field("joined", "date", minimum = "2020-01-01", maximum = "2020-12-31"),
  flip_field("seen", "datetime", minimum = "2020-01-01T00:00:00Z", maximum = "2021-01-01T00:00:00Z", multiple_of = 60),
  missing_values = c("", "NA"))

small <- list(preset = "published", rows = list(guess = 600), threads = 2,
              autoencoder = list(width = 4, heads = 1, feed_forward = 8, latent = 4, batch = 64, steps = 12),
              diffusion = list(hidden = 16, layers = 1, noise_levels = 2, batch = 64, steps = 12, sampler_steps = 4),
              student_autoencoder = list(width = 4, heads = 1, feed_forward = 8, latent = 4, batch = 64, steps = 8),
              student_diffusion = list(hidden = 16, layers = 1, noise_levels = 2, batch = 64, steps = 8,
                                       sampler_steps = 4))
long <- small
long$autoencoder$steps <- 500000

make_frame <- function(rows = 600, seed = 1) {
  set.seed(seed)
  gaps <- function(x) {
    x[runif(rows) < 0.1] <- NA
    x
  }
  data.frame(
    age = sample(18:90, rows, TRUE),
    sex = factor(sample(c("Female", "Male"), rows, TRUE)),
    city = factor(gaps(sample(cities, rows, TRUE)), levels = cities),
    stay = gaps(sample(0:60, rows, TRUE)),
    income = gaps(sample(0:2000, rows, TRUE) / 2),
    weight = runif(rows) * 200,
    member = gaps(runif(rows) < 0.5),
    ward = gaps(sample(c(3L, 5L, 9L), rows, TRUE)),
    joined = gaps(as.Date("2020-01-01") + sample(0:365, rows, TRUE)),
    seen = gaps(as.POSIXct("2020-01-01", tz = "UTC") + 60 * sample(0:(366 * 1440 - 1), rows, TRUE)))
}

frame <- make_frame()

made <- new.env()
# Made once, by the first test that asks.
small_plan <- function() flip_plan(small_schema, protected = "sex", epsilon = 4, delta = 1e-5, config = small)
small_model <- function() {
  if (is.null(made$model)) made$model <- flip_train(frame, small_plan())
  made$model
}

# Runs `code`, a text, in an R of its own that finds this package; its output.
run_r <- function(code, ..., wait = TRUE, output = tempfile()) {
  script <- tempfile(fileext = ".R")
  writeLines(c(sprintf(".libPaths(%s)", deparse(.libPaths(), width.cutoff = 500)), "library(libflip)", code), script,
      useBytes = TRUE)
  system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", shQuote(script)), stdout = output, stderr = output,
      wait = wait, ...)
  if (wait) readLines(output, warn = FALSE) else output
}

# Waits until `done()` is TRUE, at most `seconds`.
await <- function(done, seconds = 60) {
  until <- Sys.time() + seconds
  while (!done() && Sys.time() < until) Sys.sleep(0.05)
  done()
}
