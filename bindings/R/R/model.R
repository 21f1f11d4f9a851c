# Models: saving, loading, sampling. A model is public, and none of these spends more of the budget.
# The object holds the bytes of its file, so saveRDS() and other processes keep it alive.

new_model <- function(handle, bytes = check(.Call("r_model_to_bytes", handle, PACKAGE = "libflip"))) {
  structure(list(bytes = bytes, pointer = handle), class = "flip_model")
}

flip_save <- function(model, path) {
  check(.Call("r_model_save", pointer(of_class(model, "flip_model", "model")), one_path(path), PACKAGE = "libflip"))
  invisible(model)
}

flip_load <- function(path) {
  if (is.raw(path)) return(new_model(check(.Call("r_model_from_bytes", path, NULL, PACKAGE = "libflip")), path))
  new_model(check(.Call("r_model_load", one_path(path), PACKAGE = "libflip")))
}

flip_sample <- function(model, n, seed = NULL, where = NULL, first = 0, threads = NULL,
    as = c("data.frame", "flip_table"), progress = NULL) {
  of_class(model, "flip_model", "model")
  as <- match.arg(as)
  asked <- condition(where)
  if (is_requests(where)) {
    asked <- lapply(where, function(request) {
      out <- list(rows = one_whole(request$rows, "rows"))
      given <- condition(request$where)
      if (is.null(given)) out else c(list(where = given), out)
    })
    if (missing(n)) n <- sum(vapply(asked, function(request) request$rows, 0))
  }
  n <- one_whole(n, "n")
  first <- one_whole(first, "first")
  config <- config_json(list(seed = one_whole(seed, "seed", optional = TRUE), threads = threads, where = asked))
  reporter <- reporter_of(progress)
  on.exit(reporter$close())
  handle <- check(.Call("r_model_sample", pointer(model), first, n, config, reporter$update, PACKAGE = "libflip"))
  table <- new_table(handle)
  if (as == "data.frame") as.data.frame(table) else table
}

# The condition of a sample: for each column a value, several values, NA for a missing one, or the bounds
# list(minimum =, maximum =).
condition <- function(where) {
  if (is.null(where) || is_requests(where)) return(NULL)
  if (!is.list(where) || length(where) > 0 && (is.null(names(where)) || any(names(where) == ""))) {
    refuse("arg", "where: must be a list with the names of columns")
  }
  if (length(where) == 0) return(NULL)
  lapply(where, function(rule) {
    if (is.list(rule) && !is.null(names(rule))) return(rule[!vapply(rule, is.null, NA)])
    if (is.null(rule)) NA else rule
  })
}

# Several conditions: a list without names of list(where =, rows =).
is_requests <- function(where) {
  is.list(where) && length(where) > 0 && is.null(names(where)) && all(vapply(where, is.list, NA))
}

flip_complete <- function(model, half, seed = NULL, threads = NULL, as = c("data.frame", "flip_table"),
    progress = NULL) {
  of_class(model, "flip_model", "model")
  as <- match.arg(as)
  if (!inherits(half, "flip_table")) {
    if (!is.data.frame(half)) refuse("arg", "half: must be a data frame or a flip_table")
    half <- flip_table(half, optional_schema(flip_model_schema(model), names(half)))
  }
  config <- config_json(list(seed = one_whole(seed, "seed", optional = TRUE), threads = threads))
  reporter <- reporter_of(progress)
  on.exit(reporter$close())
  handle <- check(.Call("r_model_complete", pointer(model), pointer(half), config, reporter$update,
      PACKAGE = "libflip"))
  table <- new_table(handle)
  if (as == "data.frame") as.data.frame(table) else table
}

# The named columns of a schema with cells that may all be missing, without rules: what half rows have.
optional_schema <- function(schema, columns) {
  parsed <- schema_from_json(as.character(schema))
  parsed[["flip:rules"]] <- NULL
  parsed$fields <- lapply(Filter(function(field) field$name %in% columns, parsed$fields), function(field) {
    field$constraints$required <- NULL
    if (length(field$constraints) == 0) field$constraints <- NULL
    field
  })
  flip_schema(to_json(parsed))
}

flip_ledger <- function(model) {
  if (is.character(model)) model <- flip_load(model)
  text <- check(.Call("r_model_ledger", pointer(of_class(model, "flip_model", "model")), PACKAGE = "libflip"))
  structure(from_json(text), class = "flip_ledger")
}

# What is in the file besides the networks' weights: the plan, released values, sizes.
as.list.flip_model <- function(x, ...) from_json(check(.Call("r_model_json", pointer(x), PACKAGE = "libflip")))

flip_model_schema <- function(model) {
  new_schema(check(.Call("r_model_schema", pointer(of_class(model, "flip_model", "model")), PACKAGE = "libflip")))
}

format.flip_model <- function(x, ...) {
  ledger <- flip_ledger(x)
  sprintf("<flip_model> epsilon %s at delta %s, %d columns", cell_text(ledger$epsilon), short(ledger$delta),
      length(fields_of(flip_model_schema(x))))
}

print.flip_model <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  cat("flip_sample(model, n) makes rows, at no further cost; flip_ledger(model) lists what they cost.\n")
  invisible(x)
}

summary.flip_model <- function(object, ...) {
  info <- as.list(object)
  structure(list(ledger = flip_ledger(object), schema = flip_model_schema(object), preset = info$plan$preset,
      protected = unlist(info$plan$protected), released_rows = info$released$rows, bytes = length(object$bytes)),
      class = "summary.flip_model")
}

print.summary.flip_model <- function(x, ...) {
  cat("preset      ", x$preset, "\n", sep = "")
  cat("promise     epsilon ", cell_text(x$ledger$epsilon), " at delta ", short(x$ledger$delta), ", ",
      x$ledger$neighbouring, "\n", sep = "")
  cat("protected   ", if (length(x$protected) > 0) paste(x$protected, collapse = ", ") else "none", "\n", sep = "")
  if (!is.null(x$released_rows)) {
    cat("rows        about ", format(round(x$released_rows), big.mark = " "), ", released with noise\n", sep = "")
  }
  cat("file        ", x$bytes, " bytes\n\n", sep = "")
  print(summary(x$schema), row.names = FALSE, right = FALSE)
  invisible(x)
}
