# Accounting without data: what the releases of a model, and of the host's own mechanisms, cost together.
# An accountant is a value: adding releases gives a new one.

flip_accountant <- function(model = NULL, group = NULL, kind = "renyi", rows = 1) {
  if (!is.null(model)) of_class(model, "flip_model", "model")
  if (is.null(model) && !is.null(group)) refuse("arg", "group: only with a model")
  releases <- data.frame(mechanism = character(), value = numeric(), sampling_rate = numeric(), sensitivity = numeric(),
      count = numeric(), stringsAsFactors = FALSE)
  out <- structure(list(kind = one_text(kind, "kind"), model = model, group = one_text(group, "group", optional = TRUE),
                        rows = one_whole(rows, "rows"), releases = releases),
                   class = "flip_accountant")
  ask(out, "epsilon", 0.5)                        # an unknown kind or group is told now
  out
}

flip_add_releases <- function(accountant, noise_multiplier, sampling_rate = 1, count = 1) {
  appended(accountant, "gaussian", noise_multiplier, sampling_rate = sampling_rate, count = count)
}

# What a mechanism's `value` is.
mechanisms <- c(gaussian = "noise_multiplier", laplace = "scale", discrete_gaussian = "standard deviation",
    pure = "epsilon", zcdp = "rho", selection = "delta")

flip_add_mechanism <- function(accountant, mechanism, value, count = 1, sensitivity = 1) {
  if (!one_text(mechanism, "mechanism") %in% names(mechanisms)) {
    refuse("arg", "mechanism: must be one of ", paste(names(mechanisms), collapse = ", "))
  }
  appended(accountant, mechanism, value, sensitivity = sensitivity, count = count)
}

appended <- function(accountant, mechanism, value, sampling_rate = 1, sensitivity = 1, count = 1) {
  of_class(accountant, "flip_accountant", "accountant")
  for (x in list(value, sampling_rate, sensitivity, count)) {
    if (!is.numeric(x) || anyNA(x)) {
      refuse("arg", mechanisms[[mechanism]], ", sampling_rate, sensitivity and count: must be numbers")
    }
  }
  if (any(count != floor(count) | abs(count) > 2^53)) refuse("arg", "count: must be a whole number")
  if (any(sensitivity != floor(sensitivity) | abs(sensitivity) > 2^53)) {
    refuse("arg", "sensitivity: must be a whole number")
  }
  accountant$releases <- rbind(accountant$releases,
      data.frame(mechanism = mechanism, value = as.numeric(value), sampling_rate = as.numeric(sampling_rate),
          sensitivity = as.numeric(sensitivity), count = as.numeric(count), stringsAsFactors = FALSE))
  ask(accountant, "epsilon", 0.5)                 # what the library does not take is refused where it is added
  accountant
}

ask <- function(accountant, what, at) {
  r <- accountant$releases
  model <- if (!is.null(accountant$model)) pointer(accountant$model)
  check(.Call("r_account", accountant$kind, accountant$rows, model, accountant$group, r$mechanism, r$value,
      r$sampling_rate, r$sensitivity, r$count, what, at, PACKAGE = "libflip"))
}

flip_epsilon_at <- function(accountant, delta) {
  ask(of_class(accountant, "flip_accountant", "accountant"), "epsilon", one_number(delta, "delta"))
}

flip_delta_at <- function(accountant, epsilon) {
  ask(of_class(accountant, "flip_accountant", "accountant"), "delta", one_number(epsilon, "epsilon"))
}

flip_calibrate <- function(epsilon, delta, sampling_rate = NULL, count = 1, events = NULL, kind = "renyi") {
  if (is.null(events) == is.null(sampling_rate)) refuse("arg", "give either events or sampling_rate")
  if (is.null(events)) events <- data.frame(sampling_rate = sampling_rate, noise_multiplier = 1, count = count)
  if (!is.data.frame(events)) {
    refuse("arg", "events: must be a data frame with sampling_rate, noise_multiplier and count")
  }
  rows <- lapply(seq_len(nrow(events)), function(i) as.list(events[i, , drop = FALSE]))
  check(.Call("r_calibrate", one_text(kind, "kind"), to_json(rows), one_number(epsilon, "epsilon"),
      one_number(delta, "delta"), PACKAGE = "libflip"))
}

format.flip_accountant <- function(x, ...) {
  paste0("<flip_accountant> ", x$kind,
      if (!is.null(x$model)) paste0(", a model's ledger", if (!is.null(x$group)) paste0(" for group ", x$group)),
      if (x$rows != 1) paste0(", ", x$rows, " rows a person"), ", ", nrow(x$releases), " releases added")
}

print.flip_accountant <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  if (nrow(x$releases) > 0) print(x$releases, row.names = FALSE)
  invisible(x)
}

summary.flip_accountant <- function(object, delta = c(1e-5, 1e-6, 1e-8), ...) {
  data.frame(delta = delta, epsilon = vapply(delta, function(d) flip_epsilon_at(object, d), 0))
}
