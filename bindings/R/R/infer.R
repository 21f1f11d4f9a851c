# A schema inferred from rows, and the check of rows against a schema. Neither is private.

flip_infer <- function(x, levels = NULL, skip = NULL, delimiter = NULL, group = NULL, progress = NULL) {
  if (!is.null(skip) && (!is.character(skip) || anyNA(skip))) refuse("arg", "skip: must be names of columns")
  if (is.data.frame(x)) return(infer_frame(x, one_whole(levels, "levels", optional = TRUE), skip))
  path <- one_path(x, "x")
  config <- config_json(list(levels = levels, skip = if (!is.null(skip)) as.list(skip), delimiter = delimiter))
  if (is_hdf5(path)) {
    pointer <- check(.Call("r_schema_infer_hdf5", path, one_text(group, "group", optional = TRUE), config,
        PACKAGE = "libflip"))
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
  parts <- lapply(names,
      function(name) tryCatch(infer_column(name, x[[name]], levels), flip_error_schema = conditionMessage))
  refused <- vapply(parts, is.character, NA)
  if (any(refused)) refuse("schema", paste(unlist(parts[refused]), collapse = "\n"))
  whole <- parts[[1]]
  whole$fields <- lapply(parts, function(part) part$fields[[1]])
  missing <- unique(unlist(lapply(parts, `[[`, "missingValues")))
  whole$missingValues <- as.list(missing)
  whole$fields <- lapply(whole$fields, function(field) {
    # What means missing beside another column's numbers is no level here.
    kept <- field$constraints$enum[!unlist(field$constraints$enum) %in% missing]
    if (length(kept) > 0 && length(kept) < length(field$constraints$enum)) {
      field$constraints$enum <- kept
      field$constraints$required <- NULL
    }
    field
  })
  flip_schema(whole)
}

# A schema of one field, as a list.
infer_column <- function(name, x, levels) {
  x <- plain_column(name, x)
  cells <- column_texts(x)
  declared <- is.factor(x)
  codes <- if (declared) c(seq_along(cells$levels), if (anyNA(cells$codes) || anyNA(cells$levels)) NA) else cells$codes
  config <- config_json(list(levels = levels, declared = if (declared) TRUE))
  answer <- check(.Call("r_schema_infer_strings", name, as.integer(codes), cells$levels, config, PACKAGE = "libflip"))
  part <- schema_from_json(schema_json(answer))
  type <- part$fields[[1]]$type
  if (declared && type != "string" || is.character(x) && type %in% c("integer", "number", "boolean")) {
    # the library's own rule for texts
    if (!declared && length(cells$levels) > 20 && 2 * length(cells$levels) > sum(!is.na(cells$codes))) {
      refuse("schema", "column '", name,
          "': text that looks like numbers, and hardly one occurs twice; leave it out (skip =) or use as.numeric()")
    }
    return(stay_levels(name, part, if (declared) cells$levels else sort(cells$levels, method = "radix"), levels))
  }
  if (is.double(x) && !inherits(x, "integer64") && type == "integer" && any(abs(x) > 2^53, na.rm = TRUE)) {
    part$fields[[1]]$type <- "number"              # such doubles are no exact whole numbers
    bounds <- c("minimum", "maximum")
    part$fields[[1]]$constraints[bounds] <- lapply(part$fields[[1]]$constraints[bounds], as.numeric)
  }
  part
}

# Marks that stand for a missing cell beside numbers only; beside other levels each is a level.
beside_numbers <- c("?", "-", ".", "None")

# Levels of a factor and cells of text stay levels, though they look like numbers, truth values or times.
stay_levels <- function(name, part, levels, most = NULL) {
  part$missingValues <- setdiff(unlist(part$missingValues), beside_numbers)
  kept <- levels[!is.na(levels) & !levels %in% part$missingValues]
  if (is.null(most)) most <- from_json(check(.Call("r_config_schema", "infer", PACKAGE = "libflip")))$levels$default
  if (length(kept) > most) {
    refuse("schema", "column '", name, "': more than ", most,
        " different texts; leave it out (skip =), or allow more (levels =)")
  }
  required <- part$fields[[1]]$constraints$required
  part$fields[[1]] <- list(name = name, type = "string",
      constraints = c(list(enum = as.list(kept)), if (isTRUE(required)) list(required = TRUE)))
  part
}

flip_check <- function(schema, x, extra = NULL, delimiter = NULL, progress = NULL, group = NULL) {
  schema <- flip_schema(schema)
  if (!is.null(group) && (is.data.frame(x) || !is_hdf5(one_path(x, "x")))) refuse("arg", "group: x is no HDF5 file")
  if (is.data.frame(x)) return(check_frame(schema, x, extra))
  path <- one_path(x, "x")
  reporter <- reporter_of(progress)
  on.exit(reporter$close())
  if (is_hdf5(path)) {
    answer <- check(.Call("r_schema_check_hdf5", pointer(schema), path, one_text(group, "group", optional = TRUE),
        reporter$update, PACKAGE = "libflip"))
    return(new_check(from_json(answer)))
  }
  config <- config_json(list(extra = extra, delimiter = delimiter))
  new_check(from_json(check(.Call("r_schema_check_csv", pointer(schema), path, config, reporter$update,
      PACKAGE = "libflip"))))
}

check_frame <- function(schema, x, extra) {
  if (!is.null(extra) && !identical(extra, "refuse") && !identical(extra, "ignore")) {
    refuse("arg", "extra: must be \"refuse\" or \"ignore\"")
  }
  names <- column_names(x)
  fields <- fields_of(schema)
  wanted <- vapply(fields, `[[`, "", "name")
  missing_texts <- missing_texts_of(schema)
  fields <- with_reasons(fields, schema)
  plain <- without_format(schema)
  problems <- if (nrow(x) == 0) list(list(column = NULL, rule = "the table has no rows", count = 1, first_row = 1))
  for (i in which(wanted %in% names)) {
    problems <- c(problems, check_column(schema, plain, fields[[i]], x[[wanted[i]]], missing_texts[[i]]))
  }
  missing <- as.list(setdiff(wanted, names))
  unknown <- if (!identical(extra, "ignore")) as.list(setdiff(names, wanted))
  new_check(list(fits = length(missing) + length(unknown) + length(problems) == 0, rows = nrow(x),
      missing_columns = missing, unknown_columns = unknown, problems = problems))
}

# What one column breaks, as a list of problems. plain: the schema whose texts are written as R's values are.
check_column <- function(schema, plain, field, x, missing_texts) {
  cells <- tryCatch(plain_column(field$name, x, field, missing_texts), flip_error_schema = identity)
  if (inherits(cells, "condition")) {
    return(list(list(column = field$name, rule = conditionMessage(cells), count = length(x), first_row = 1)))
  }
  texts <- column_texts(cells)
  by <- if (is.character(cells) || is.factor(cells)) schema else plain
  answer <- check(.Call("r_schema_check_strings", pointer(by), field$name, texts$codes, texts$levels,
      PACKAGE = "libflip"))
  from_json(answer)$problems
}

# A list: fits, rows, missing_columns, unknown_columns (names, or their number where a file has no header), and problems
# as a data frame.
new_check <- function(answer) {
  place <- function(p) if (is.null(p$first_line)) p$first_row else p$first_line
  answer$missing_columns <- unlist(answer$missing_columns)
  answer$unknown_columns <- unlist(answer$unknown_columns)
  answer$problems <- data.frame(
      column = vapply(answer$problems, function(p) if (is.null(p$column)) NA_character_ else p$column, ""),
      rule = vapply(answer$problems, `[[`, "", "rule"),
      count = vapply(answer$problems, function(p) as.numeric(p$count), 0),
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
  if (length(x$unknown_columns) > 0) {
    cat("columns not in the schema: ", paste(x$unknown_columns, collapse = ", "), "\n", sep = "")
  }
  if (nrow(x$problems) > 0) print(x$problems, row.names = FALSE, right = FALSE)
  invisible(x)
}

# A plain column as texts, each distinct one once: row i is levels[codes[i]].
column_texts <- function(x) {
  if (is.factor(x)) return(list(codes = as.integer(x), levels = levels(x)))
  if (inherits(x, "integer64")) x <- int64_text(x)
  distinct <- unique(x[!is.na(x)])
  list(codes = match(x, distinct), levels = cell_text(distinct))
}

column_names <- function(x) {
  if (anyDuplicated(names(x))) refuse("schema", "two columns have the same name")
  names <- utf8_or_na(names(x))
  if (anyNA(names)) refuse("schema", "the name of column ", which(is.na(names))[1], " is not UTF-8")
  names
}

is_hdf5 <- function(path) grepl("\\.(h5|hdf5|h5ad)$", path)
