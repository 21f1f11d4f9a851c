# Schemas beside rows: one read off them, for people to edit, and all that they break of one. Neither is private.

flip_infer <- function(x, levels = NULL, skip = NULL, delimiter = NULL, group = NULL, progress = NULL) {
  if (!is.null(skip) && (!is.character(skip) || anyNA(skip))) refuse("arg", "skip: must be names of columns")
  if (is.data.frame(x)) return(infer_frame(x, one_whole(levels, "levels", optional = TRUE), skip))
  path <- one_path(x, "x")
  config <- config_json(list(levels = levels, skip = if (!is.null(skip)) as.list(skip), delimiter = delimiter))
  if (is_hdf5(path)) {
    pointer <- check(.Call("r_schema_infer_hdf5", path, one_text(group, "group", optional = TRUE), config, PACKAGE = "libflip"))
  } else {
    reporter <- reporter_of(progress)
    on.exit(reporter$close())
    pointer <- check(.Call("r_schema_infer_csv", path, config, reporter$update, PACKAGE = "libflip"))
  }
  new_schema(schema_json(pointer), pointer)
}

infer_frame <- function(x, levels, skip) {
  names <- column_names(x)
  strangers <- setdiff(skip, names)
  if (length(strangers) > 0) refuse("arg", "there is no column '", strangers[1], "' to leave out")
  names <- setdiff(names, skip)
  if (length(names) == 0) refuse("schema", "the data frame has no columns")
  parts <- lapply(names, function(name) tryCatch(infer_column(name, x[[name]], levels), flip_error_schema = conditionMessage))
  refused <- vapply(parts, is.character, NA)
  if (any(refused)) refuse("schema", paste(unlist(parts[refused]), collapse = "\n"))
  whole <- parts[[1]]
  whole$fields <- lapply(parts, function(part) part$fields[[1]])
  whole$missingValues <- as.list(unique(unlist(lapply(parts, `[[`, "missingValues"))))
  flip_schema(whole)
}

# A schema of one field, as a list. The different texts of a column are enough; a factor's levels are a declaration.
infer_column <- function(name, x, levels) {
  cells <- column_texts(name, x)
  declared <- is.factor(x)
  codes <- c(seq_along(cells$levels), if (anyNA(cells$codes)) NA)
  config <- config_json(list(levels = levels, declared = if (declared) TRUE))
  from_json(schema_json(check(.Call("r_schema_infer_strings", name, as.integer(codes), cells$levels, config, PACKAGE = "libflip"))))
}

flip_check <- function(schema, x, extra = NULL, delimiter = NULL, progress = NULL) {
  schema <- flip_schema(schema)
  if (is.data.frame(x)) return(check_frame(schema, x, extra))
  path <- one_path(x, "x")
  if (is_hdf5(path)) refuse("arg", "x: a CSV file or a data frame; flip_convert() makes a CSV file of an HDF5 one")
  reporter <- reporter_of(progress)
  on.exit(reporter$close())
  config <- config_json(list(extra = extra, delimiter = delimiter))
  new_check(from_json(check(.Call("r_schema_check_csv", pointer(schema), path, config, reporter$update, PACKAGE = "libflip"))))
}

check_frame <- function(schema, x, extra) {
  if (!is.null(extra) && !identical(extra, "refuse") && !identical(extra, "ignore")) refuse("arg", "extra: must be \"refuse\" or \"ignore\"")
  names <- column_names(x)
  wanted <- vapply(fields_of(schema), `[[`, "", "name")
  problems <- if (nrow(x) == 0) list(list(column = NULL, rule = "the table has no rows", count = 1, first_row = 1))
  for (name in intersect(wanted, names)) {
    cells <- tryCatch(column_texts(name, x[[name]]), flip_error_schema = conditionMessage)
    found <- if (is.character(cells)) list(list(column = name, rule = cells, count = nrow(x), first_row = 1))
             else from_json(check(.Call("r_schema_check_strings", pointer(schema), name, cells$codes, cells$levels, PACKAGE = "libflip")))$problems
    problems <- c(problems, found)
  }
  missing <- as.list(setdiff(wanted, names))
  unknown <- if (!identical(extra, "ignore")) as.list(setdiff(names, wanted))
  new_check(list(fits = length(missing) + length(unknown) + length(problems) == 0, rows = nrow(x), missing_columns = missing,
                 unknown_columns = unknown, problems = problems))
}

# fits, rows, missing_columns, unknown_columns (names, or their number where a file has no header), problems: a data frame.
new_check <- function(answer) {
  place <- function(p) if (is.null(p$first_line)) p$first_row else p$first_line
  answer$missing_columns <- unlist(answer$missing_columns)
  answer$unknown_columns <- unlist(answer$unknown_columns)
  answer$problems <- data.frame(column = vapply(answer$problems, function(p) if (is.null(p$column)) NA_character_ else p$column, ""),
                                rule = vapply(answer$problems, `[[`, "", "rule"), count = vapply(answer$problems, function(p) as.numeric(p$count), 0),
                                first = vapply(answer$problems, function(p) as.numeric(place(p)), 0), stringsAsFactors = FALSE)
  structure(answer, class = "flip_check")
}

format.flip_check <- function(x, ...) {
  if (x$fits) return("<flip_check> the rows fit the schema")
  count <- length(x$missing_columns) + length(x$unknown_columns) + nrow(x$problems)
  paste0("<flip_check> the rows break the schema, in ", count, if (count == 1) " way" else " ways")
}

print.flip_check <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  if (length(x$missing_columns) > 0) cat("columns missing: ", paste(x$missing_columns, collapse = ", "), "\n", sep = "")
  if (length(x$unknown_columns) > 0) cat("columns not in the schema: ", paste(x$unknown_columns, collapse = ", "), "\n", sep = "")
  if (nrow(x$problems) > 0) print(x$problems, row.names = FALSE, right = FALSE)
  invisible(x)
}

# A column as texts, each distinct one once: row i is levels[codes[i]].
column_texts <- function(name, x) {
  if (inherits(x, "POSIXlt")) x <- as.POSIXct(x)
  refuse_strange(name, x)
  if (is.factor(x)) return(list(codes = as.integer(x), levels = levels(x)))
  if (inherits(x, "integer64")) x <- as.character(x)
  distinct <- unique(x[!is.na(x)])
  list(codes = match(x, distinct), levels = cell_text(distinct))
}

column_names <- function(x) {
  if (anyDuplicated(names(x))) refuse("schema", "two columns have the same name")
  names(x)
}

is_hdf5 <- function(path) grepl("\\.(h5|hdf5|h5ad)$", path)
