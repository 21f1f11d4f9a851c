# Figures of a synthetic table beside a real one: how near, how useful, how fair, whether it remembers. NOT PRIVATE.

flip_evaluate <- function(real, synthetic, schema = NULL, protected = NULL, target = NULL, holdout = NULL,
    classifiers = c("native", "none"), positive = NULL, edges = NULL, threads = NULL, group = NULL,
    admissible = NULL) {
  classifiers <- match.arg(classifiers)
  groups <- groups_of(group)
  if (!is.null(schema)) schema <- flip_schema(schema)
  real <- as_flip_table(real, schema, "real", groups$real)
  if (is.null(schema)) schema <- real$schema
  synthetic <- as_flip_table(synthetic, schema, "synthetic", groups$synthetic)
  if (!is.null(holdout)) holdout <- pointer(as_flip_table(holdout, schema, "holdout", groups$holdout))
  config <- config_json(list(protected = protected, target = target, positive = positive, edges = edges,
      admissible = admissible, threads = threads, classifiers = classifiers), "evaluate")
  figures <- check(.Call("r_evaluate", pointer(real), pointer(synthetic), holdout, config, PACKAGE = "libflip"))
  structure(from_json(figures), class = "flip_evaluation")
}

# The groups of HDF5 files by argument: list(real =, synthetic =, holdout =); a single text is the group of `real`.
groups_of <- function(group) {
  if (is.null(names(group))) return(list(real = one_text(group, "group", optional = TRUE)))
  strangers <- setdiff(names(group), c("real", "synthetic", "holdout"))
  if (length(strangers) > 0) refuse("arg", "group: must have the names real, synthetic or holdout")
  lapply(as.list(group), one_text, "group")
}

# Which value is best, where one is.
best_of <- function(measures) {
  best <- c(pmse_ratio = 1, target_auc = 1, tasks_auc = 1, cka = 1, probe_synthetic = 0.5, probe_real = 0.5,
      dcr_share = 0.5, membership_auc = 0.5)
  zero <- c("tvd1", "tvd2", "association_mean", "association_max", "mean_shift", "mean_shift_max", "quantile_shift",
      "quantile_shift_max", "pmse", "target_dpd", "target_eod", "target_cdpd", "target_calibration",
      "tasks_dpd", "tasks_eod", "tasks_cdpd", "tasks_calibration", "hsic_linear", "hsic_rbf")
  out <- unname(best[measures])
  out[measures %in% zero] <- 0
  out
}

# part: "summary" (measure, value, best), "tasks" (the fairness table: a row a column taken as a question), "groups" (a
# row a group), "columns".
as.data.frame.flip_evaluation <- function(x, row.names = NULL, optional = FALSE,
    part = c("summary", "tasks", "groups", "columns"), ...) {
  part <- match.arg(part)
  if (part == "summary") {
    out <- data.frame(measure = names(x$summary), value = vapply(x$summary, real_or_na, 0, USE.NAMES = FALSE),
        stringsAsFactors = FALSE)
    out$best <- best_of(out$measure)
  } else out <- frame_of(x[[part]])
  if (!is.null(row.names)) rownames(out) <- row.names
  out
}

real_or_na <- function(v) if (is.null(v)) NA_real_ else as.numeric(v)

# A list of records as a data frame of those members that are single values.
frame_of <- function(records) {
  if (length(records) == 0) return(data.frame())
  keys <- Filter(function(key) all(vapply(records, function(r) length(r[[key]]) <= 1 && !is.list(r[[key]]), NA)),
      names(records[[1]]))
  columns <- lapply(keys, function(key) {
    values <- lapply(records, `[[`, key)
    text <- any(vapply(values, is.character, NA))
    logical <- all(vapply(values, function(v) is.null(v) || is.logical(v), NA)) && any(vapply(values, is.logical, NA))
    vapply(values, function(v) if (is.null(v)) NA else if (text) as.character(v) else if (logical) v else as.numeric(v),
           if (text) "" else if (logical) NA else 0)
  })
  structure(columns, names = keys, class = "data.frame", row.names = .set_row_names(length(records)))
}

summary.flip_evaluation <- function(object, ...) as.data.frame(object)

format.flip_evaluation <- function(x, ...) {
  shown <- c("tvd2", "target_auc", "tasks_auc", "target_dpd", "tasks_dpd", "membership_auc")
  values <- vapply(x$summary[intersect(shown, names(x$summary))], real_or_na, 0)
  values <- values[!is.na(values)]
  paste0("<flip_evaluation> NOT PRIVATE: ", paste0(names(values), " ", sprintf("%.4f", values), collapse = ", "))
}

# Numbers with a fraction as text of four decimals, missing ones as nothing: every figure here is between -1 and 2.
four_decimals <- function(table) {
  fractions <- vapply(table, function(x) is.double(x) && any(x != floor(x), na.rm = TRUE), NA)
  table[fractions] <- lapply(table[fractions], function(x) ifelse(is.na(x), "", sprintf("%.4f", x)))
  if (!is.null(table$best)) table$best <- sub("\\.?0+$", "", table$best)
  table
}

print.flip_evaluation <- function(x, ...) {
  cat(strwrap(x$not_private, 110), "", sep = "\n")
  figures <- as.data.frame(x)
  print(four_decimals(figures[!is.na(figures$value), ]), row.names = FALSE, right = FALSE)
  for (part in c("tasks", "groups")) {
    table <- as.data.frame(x, part = part)
    if (nrow(table) > (part == "groups")) {
      cat("\n", part, "\n", sep = "")
      print(four_decimals(table), row.names = FALSE, right = FALSE)
    }
  }
  for (note in x$notes) cat("\n", paste(strwrap(paste("note:", note), 110, exdent = 2), collapse = "\n"), sep = "")
  if (length(x$notes) > 0) cat("\n")
  invisible(x)
}
