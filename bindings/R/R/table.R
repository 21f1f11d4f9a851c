# Tables: rows under a schema, private ones or sampled ones.

flip_table <- function(x, schema = NULL, person = NULL, max_rows_per_person = NULL, invalid = NULL) {
  if (is.null(person) != is.null(max_rows_per_person)) {
    refuse("arg", "person and max_rows_per_person: give both or neither")
  }
  if (!is.data.frame(x) && !is.null(person)) refuse("arg", "person: of a data frame")
  if (inherits(x, "flip_table")) {
    if (!is.null(invalid)) refuse("arg", "invalid: of rows that are no flip_table yet")
    return(x)
  }
  if (!is.data.frame(x)) return(from_arrow(x, schema, invalid))
  if (is.null(schema)) refuse("arg", "a data frame needs schema=")
  schema <- flip_schema(schema)
  fields <- fields_of(schema)
  names <- vapply(fields, `[[`, "", "name")
  absent <- setdiff(names, column_names(x))
  if (length(absent) > 0) refuse("schema", "columns missing: ", paste(absent, collapse = ", "))
  extra <- setdiff(names(x), c(names, if (!is.null(person)) one_text(person, "person")))
  if (length(extra) > 0) refuse("schema", "columns not in the schema: ", paste(extra, collapse = ", "))
  table <- new_table(check(.Call("r_table_create", pointer(schema), as.numeric(nrow(x)),
      config_json(list(invalid = invalid)), PACKAGE = "libflip")), schema)
  missing_texts <- missing_texts_of(schema)
  fields <- with_reasons(fields, schema)
  for (i in seq_along(fields)) set_column(table$pointer, fields[[i]], x[[fields[[i]]$name]], missing_texts[[i]])
  warn_of(table, "the data frame")
  if (is.null(person)) return(table)
  if (flip_dropped(table) > 0) {
    refuse("schema", "rows that break the schema's rules were left out, and whose the others are is not known any ",
        "more: leave them out of the data frame, or read a CSV file")
  }
  bound_persons(table, x, person, max_rows_per_person)
}

# A table that keeps at most `most` rows of each person. The column `person` of the data frame x says whose a row is.
bound_persons <- function(table, x, person, most) {
  if (!person %in% names(x)) refuse("arg", "person: the data frame has no such column")
  if (person %in% colnames(table)) refuse("arg", "person: must be a column outside the schema")
  codes <- column_texts(plain_column(person, x[[person]]))$codes
  if (anyNA(codes)) refuse("schema", "column '", person, "': every row must belong to a person")
  most <- one_whole(most, "max_rows_per_person")
  new_table(check(.Call("r_table_bound_persons", table$pointer, codes, most, PACKAGE = "libflip")), table$schema)
}

# From an Arrow stream, or from what package nanoarrow makes one of: Arrow tables, record batches, readers, queries.
from_arrow <- function(x, schema, invalid = NULL) {
  if (!inherits(x, "nanoarrow_array_stream")) {
    arrow <- c("ArrowTabular", "RecordBatchReader", "Dataset", "arrow_dplyr_query", "nanoarrow_array",
        "polars_data_frame", "RPolarsDataFrame")
    if (!inherits(x, arrow)) refuse("arg", "x: must be a data frame or Arrow data")
    if (!requireNamespace("nanoarrow", quietly = TRUE)) {
      refuse("unsupported", "Arrow data of class ", class(x)[1], " needs package nanoarrow")
    }
    x <- nanoarrow::as_nanoarrow_array_stream(x)
  }
  if (is.null(schema)) refuse("arg", "an Arrow stream needs schema=")
  schema <- flip_schema(schema)
  table <- new_table(check(.Call("r_table_import", pointer(schema), x, config_json(list(invalid = invalid)), NULL,
      PACKAGE = "libflip")), schema)
  warn_of(table, "the Arrow data")
  table
}

flip_stream <- function(table) {
  check(.Call("r_table_export", pointer(of_class(table, "flip_table", "table")), PACKAGE = "libflip"))
}

as_nanoarrow_array_stream.flip_table <- function(x, ..., schema = NULL) {
  if (!is.null(schema)) refuse("unsupported", "schema: a flip_table has its own")
  flip_stream(x)
}

new_table <- function(pointer, schema = new_schema(check(.Call("r_table_schema", pointer, PACKAGE = "libflip")))) {
  structure(list(pointer = pointer, schema = schema), class = "flip_table")
}

# A table from one, from the path of a file or from a data frame. name: of the argument, for messages; group: of an HDF5
# file.
as_flip_table <- function(x, schema, name, group = NULL) {
  if (is.character(x) && length(x) == 1 && is_hdf5(x)) return(flip_read_hdf5(one_path(x, name), schema, group))
  if (!is.null(group)) refuse("arg", "group: ", name, " is no HDF5 file")
  if (inherits(x, "flip_table")) return(x)
  if (is.character(x)) {
    path <- one_path(x, name)
    if (is.null(schema)) refuse("schema", name, ": a CSV file needs schema=")
    return(flip_read_csv(path, schema, progress = FALSE))
  }
  if (is.null(schema)) refuse("schema", name, ": a data frame needs schema=")
  flip_table(x, schema)
}

flip_read_csv <- function(path, schema, invalid = NULL, extra = NULL, delimiter = NULL, progress = NULL, person = NULL,
    max_rows_per_person = NULL) {
  schema <- flip_schema(schema)
  config <- config_json(list(invalid = invalid, extra = extra, delimiter = delimiter, person = person,
      max_rows_per_person = max_rows_per_person))
  reporter <- reporter_of(progress)
  on.exit(reporter$close())
  table <- new_table(check(.Call("r_table_read_csv", pointer(schema), one_path(path), config, reporter$update,
      PACKAGE = "libflip")), schema)
  warn_of(table, path)
  table
}

flip_reasons <- function(table, field) {
  table <- of_class(table, "flip_table", "table")
  fields <- with_reasons(fields_of(table$schema), table$schema)
  place <- match(one_text(field, "field"), vapply(fields, `[[`, "", "name"))
  if (is.na(place)) refuse("arg", "field: the table has no column '", field, "'")
  reasons <- check(.Call("r_table_get_reasons", pointer(table), field, PACKAGE = "libflip"))
  structure(reasons, levels = as.character(fields[[place]]$reasons), class = "factor")
}

flip_replaced <- function(table) {
  counts <- changes_of(table)$replaced
  stats::setNames(as.numeric(unlist(counts)), as.character(names(counts)))
}

flip_dropped <- function(table) as.numeric(changes_of(table)$dropped)

# What reading changed, as the library counts it: of a table, or of the answer of a conversion.
changes_of <- function(x) {
  if (is.character(x)) return(from_json(x))
  from_json(check(.Call("r_table_replaced", pointer(of_class(x, "flip_table", "table")), PACKAGE = "libflip")))
}

# A warning where cells were replaced or rows were left out while `name` was read. x: as in changes_of.
warn_of <- function(x, name) {
  changes <- changes_of(x)
  replaced <- changes$replaced
  if (length(replaced) > 0) {
    told <- paste0(replaced, " of column \"", names(replaced), "\"", collapse = ", ")
    warning(name, ": cells were replaced that break the schema: ", told, call. = FALSE)
  }
  if (changes$dropped > 0) {
    warning(name, ": rows were left out that break the rules of the schema: ", changes$dropped, call. = FALSE)
  }
}

flip_write_csv <- function(table, path, delimiter = NULL) {
  check(.Call("r_table_write_csv", pointer(of_class(table, "flip_table", "table")), one_path(path),
              config_json(list(delimiter = delimiter)), PACKAGE = "libflip"))
  invisible(table)
}

flip_read_hdf5 <- function(path, schema = NULL, group = NULL, invalid = NULL) {
  schema <- if (!is.null(schema)) pointer(flip_schema(schema))
  path <- one_path(path)
  table <- new_table(check(.Call("r_table_read_hdf5", schema, path, one_text(group, "group", optional = TRUE),
      config_json(list(invalid = invalid)), PACKAGE = "libflip")))
  warn_of(table, path)
  table
}

flip_write_hdf5 <- function(table, path, group = NULL) {
  check(.Call("r_table_write_hdf5", pointer(of_class(table, "flip_table", "table")), one_path(path),
              one_text(group, "group", optional = TRUE), PACKAGE = "libflip"))
  invisible(table)
}

flip_convert <- function(from, to, schema = NULL, invalid = NULL, extra = NULL, delimiter = NULL, progress = NULL,
                         group = NULL, to_group = NULL) {
  from <- one_path(from, "from")
  to <- one_path(to, "to")
  source <- c(from, one_text(group, "group", optional = TRUE))
  target <- c(to, one_text(to_group, "to_group", optional = TRUE))
  schema <- if (!is.null(schema)) pointer(flip_schema(schema))
  config <- config_json(list(invalid = invalid, extra = extra, delimiter = delimiter))
  reporter <- reporter_of(progress)
  on.exit(reporter$close())
  answer <- check(.Call("r_table_convert", schema, source, target, config, reporter$update, PACKAGE = "libflip"))
  warn_of(answer, from)
  invisible(to)
}

as.data.frame.flip_table <- function(x, row.names = NULL, optional = FALSE, ...) {
  pointer <- pointer(x)
  fields <- with_reasons(fields_of(x$schema), x$schema)
  columns <- lapply(fields, function(field) get_column(pointer, field))
  names(columns) <- vapply(fields, `[[`, "", "name")
  rows <- .Call("r_table_rows", pointer, PACKAGE = "libflip")
  structure(columns, class = "data.frame", row.names = if (is.null(row.names)) .set_row_names(rows) else row.names)
}

dim.flip_table <- function(x) {
  rows <- .Call("r_table_rows", pointer(x), PACKAGE = "libflip")
  c(if (rows <= .Machine$integer.max) as.integer(rows) else rows, length(fields_of(x$schema)))
}

dimnames.flip_table <- function(x) list(NULL, vapply(fields_of(x$schema), `[[`, "", "name"))

# Neither shows the number of rows: it may be private.
format.flip_table <- function(x, ...) {
  paste0("<flip_table> ", length(fields_of(x$schema)), " columns", if (!alive(x$pointer)) ", of another session")
}

print.flip_table <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  print(summary(x$schema), row.names = FALSE, right = FALSE)
  invisible(x)
}

summary.flip_table <- function(object, ...) summary(object$schema)
