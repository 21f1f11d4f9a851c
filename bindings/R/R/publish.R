# What may be published of a model: a page, figures with honest intervals, and several tables whose spread says what is
# not known. All of it follows from the model file, and none of it spends more of the budget.

flip_estimate <- function(model, what, column, by = NULL, level = NULL, quantile = NULL, with = NULL,
    predictors = NULL, contrast = NULL, reference = NULL, confidence = 0.95) {
  of_class(model, "flip_model", "model")
  config <- config_json(list(what = what, column = column, by = by, level = level, quantile = quantile, with = with,
      predictors = predictors, contrast = contrast, reference = reference, confidence = confidence), "estimate")
  structure(from_json(check(.Call("r_model_estimate", pointer(model), config, PACKAGE = "libflip"))),
      class = "flip_estimate")
}

# part: "estimates" or "contrasts", a row a figure. Limits without bound are NA.
as.data.frame.flip_estimate <- function(x, row.names = NULL, optional = FALSE, part = c("estimates", "contrasts"),
    ...) {
  records <- x[[match.arg(part)]]
  if (length(records) == 0) return(data.frame())
  keys <- names(records[[1]])
  words <- c("term", "level", "with_level", "group", "kind", "reference", "estimate_date", "low_date", "high_date")
  columns <- lapply(keys, function(key) {
    values <- lapply(records, function(r) r[[key]])
    if (key %in% words) vapply(values, function(v) if (is.null(v)) NA_character_ else v, "")
    else if (key == "told") vapply(values, isTRUE, NA)
    else vapply(values, real_or_na, 0)
  })
  names(columns) <- keys
  out <- as.data.frame(columns, stringsAsFactors = FALSE)
  if (!is.null(row.names)) rownames(out) <- row.names
  out
}

print.flip_estimate <- function(x, ...) {
  cat(sprintf("%s of %s, %s %% intervals of sample and noise together\n\n", x$what, x$column,
      format(100 * x$confidence)))
  print(as.data.frame(x), row.names = FALSE, digits = 5)
  if (length(x$contrasts) > 0) {
    cat("\n")
    print(as.data.frame(x, part = "contrasts"), row.names = FALSE, digits = 5)
  }
  for (note in unlist(x$notes)) cat("\nnote:", note)
  if (length(x$notes) > 0) cat("\n")
  invisible(x)
}

# Another model from the releases that this one keeps; config: list(fairness = list(strength = 0.5)).
flip_refit <- function(model, config = list(), protected = NULL) {
  of_class(model, "flip_model", "model")
  if (!is.null(protected)) config$protected <- I(as.character(protected))
  new_model(check(.Call("r_model_refit", pointer(model), config_json(config), NULL, PACKAGE = "libflip")))
}

# A data frame: what strengths of fairness cost and gain, by what was released.
flip_frontier <- function(model, strengths = c(0, 0.25, 0.5, 1, 2, 4), protected = NULL) {
  of_class(model, "flip_model", "model")
  config <- list(strengths = I(strengths))
  if (!is.null(protected)) config$protected <- I(as.character(protected))
  found <- from_json(check(.Call("r_model_frontier", pointer(model), config_json(config), PACKAGE = "libflip")))
  do.call(rbind, lapply(found$points, function(p) as.data.frame(p)))
}

# A list of tables in the form of mitools: with(tables, lm(y ~ x)) runs an analysis on each.
flip_sample_many <- function(model, m = 20, n = NULL, seed = NULL, threads = NULL) {
  of_class(model, "flip_model", "model")
  m <- one_whole(m, "m")
  if (m < 2) refuse("arg", "m: must be at least 2")
  if (is.null(n)) n <- max(1, round(as.list(model)$released$rows))
  n <- one_whole(n, "n")
  seed <- one_whole(seed, "seed", optional = TRUE)
  tables <- lapply(seq_len(m), function(k) {
    config <- config_json(list(seed = seed, threads = threads))
    as.data.frame(new_table(check(.Call("r_model_replicate", pointer(model), k, n, config, NULL,
        PACKAGE = "libflip"))))
  })
  structure(list(imputations = tables, call = match.call()), class = "imputationList")
}

# estimates, variances: a value a table, or a list of results that coef() and vcov() know. The rule for fully synthetic
# data (Raghunathan, Reiter and Rubin 2003): the spread holds the variance within already, so that is taken away.
flip_combine <- function(estimates, variances = NULL, confidence = 0.95) {
  if (is.list(estimates) && is.null(variances)) {
    variances <- lapply(estimates, function(fit) diag(as.matrix(stats::vcov(fit))))
    estimates <- lapply(estimates, stats::coef)
  }
  q <- do.call(rbind, as.list(estimates))
  u <- do.call(rbind, as.list(variances))
  m <- nrow(q)
  if (is.null(m) || m < 2 || !identical(dim(q), dim(u)) || !all(is.finite(q), is.finite(u))) {
    refuse("arg", "flip_combine needs finite estimates and variances of two tables or more")
  }
  within <- colMeans(u)
  between <- apply(q, 2, stats::var)
  total <- (1 + 1 / m) * between - within
  degrees <- ifelse(total > 0, (m - 1) * (1 - within / ((1 + 1 / m) * between))^2, Inf)
  total <- ifelse(total > 0, total, within / m)
  error <- sqrt(total)
  reach <- stats::qt(0.5 + confidence / 2, pmax(degrees, 1)) * error
  data.frame(estimate = colMeans(q), standard_error = error, low = colMeans(q) - reach, high = colMeans(q) + reach,
      between = between, within = within, degrees_of_freedom = pmax(degrees, 1), row.names = colnames(q))
}

flip_report <- function(model, path = NULL, title = NULL, rows = NULL) {
  if (is.character(model)) model <- flip_load(model)
  of_class(model, "flip_model", "model")
  config <- config_json(list(title = title, rows = rows))
  record <- check(.Call("r_model_report", pointer(model), config, PACKAGE = "libflip"))
  if (is.null(path)) return(from_json(record))
  page <- check(.Call("r_report_page", record, PACKAGE = "libflip"))
  writeLines(page, path.expand(path), useBytes = TRUE)
  invisible(path)
}
