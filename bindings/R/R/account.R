# Accounting without data: what Gaussian releases on Poisson samples cost together. An accountant is a value like any other in R: composing
# gives a new one.

flip_accountant <- function(model = NULL, group = NULL, kind = "renyi") {
  if (!is.null(model)) of_class(model, "flip_model", "model")
  if (is.null(model) && !is.null(group)) refuse("arg", "group: only with a model")
  releases <- data.frame(noise_multiplier = numeric(), sampling_rate = numeric(), count = numeric())
  out <- structure(list(kind = one_text(kind, "kind"), model = model, group = one_text(group, "group", optional = TRUE), releases = releases),
                   class = "flip_accountant")
  ask(out, "epsilon", 0.5)                        # an unknown kind or group is told now
  out
}

add_releases <- function(accountant, noise_multiplier, sampling_rate = 1, count = 1) {
  of_class(accountant, "flip_accountant", "accountant")
  for (x in list(noise_multiplier, sampling_rate, count)) if (!is.numeric(x) || anyNA(x)) refuse("arg", "noise_multiplier, sampling_rate and count: must be numbers")
  if (any(count != floor(count) | abs(count) > 2^53)) refuse("arg", "count: must be a whole number")
  accountant$releases <- rbind(accountant$releases, data.frame(noise_multiplier = as.numeric(noise_multiplier), sampling_rate = as.numeric(sampling_rate),
                                                               count = as.numeric(count)))
  ask(accountant, "epsilon", 0.5)                 # what the library does not take is refused where it is added
  accountant
}

ask <- function(accountant, what, at) {
  r <- accountant$releases
  model <- if (!is.null(accountant$model)) pointer(accountant$model)
  check(.Call("r_account", accountant$kind, model, accountant$group, r$sampling_rate, r$noise_multiplier, r$count, what, at, PACKAGE = "libflip"))
}

epsilon_at <- function(accountant, delta) ask(of_class(accountant, "flip_accountant", "accountant"), "epsilon", one_number(delta, "delta"))

delta_at <- function(accountant, epsilon) ask(of_class(accountant, "flip_accountant", "accountant"), "delta", one_number(epsilon, "epsilon"))

flip_calibrate <- function(epsilon, delta, sampling_rate = NULL, count = 1, events = NULL, kind = "renyi") {
  if (is.null(events) == is.null(sampling_rate)) refuse("arg", "give either events or sampling_rate")
  if (is.null(events)) events <- data.frame(sampling_rate = sampling_rate, noise_multiplier = 1, count = count)
  if (!is.data.frame(events)) refuse("arg", "events: must be a data frame with sampling_rate, noise_multiplier and count")
  rows <- lapply(seq_len(nrow(events)), function(i) as.list(events[i, , drop = FALSE]))
  check(.Call("r_calibrate", one_text(kind, "kind"), to_json(rows), one_number(epsilon, "epsilon"), one_number(delta, "delta"), PACKAGE = "libflip"))
}

format.flip_accountant <- function(x, ...) {
  paste0("<flip_accountant> ", x$kind, if (!is.null(x$model)) paste0(", a model's ledger", if (!is.null(x$group)) paste0(" for group ", x$group)),
         ", ", nrow(x$releases), " releases added")
}

print.flip_accountant <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  if (nrow(x$releases) > 0) print(x$releases, row.names = FALSE)
  invisible(x)
}

summary.flip_accountant <- function(object, delta = c(1e-5, 1e-6, 1e-8), ...) {
  data.frame(delta = delta, epsilon = vapply(delta, function(d) epsilon_at(object, d), 0))
}
