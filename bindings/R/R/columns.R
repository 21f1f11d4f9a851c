# Between R's vectors and the columns of a table, in both directions.
# The library checks every value. Here types are matched alone. No message shows a value.

# Sets a field. What its type does not take as numbers crosses as text, each distinct value once.
set_column <- function(table, field, x, missing_texts) {
  x <- plain_column(field$name, x, field, missing_texts)
  coded <- !is.null(field$constraints$enum)
  if (is.factor(x)) return(set_text(table, field, as.integer(x), levels(x), missing_texts))
  if (coded || is.character(x) || is.logical(x) && field$type != "boolean") {
    return(set_values(table, field, x, missing_texts))
  }
  moment <- inherits(x, c("Date", "POSIXct"))
  if (field$type %in% c("date", "datetime") && !moment) {
    refuse("schema", "column '", field$name, "': a ", field$type, " is a Date, a POSIXct or text, not of class ",
        class(x)[1])
  }
  if (moment && !field$type %in% c("date", "datetime")) {
    refuse("schema", "column '", field$name, "': a ", field$type, " is not of class ", class(x)[1])
  }
  switch(field$type,
    date = set_whole(table, field, days_of(field$name, x)),
    datetime = set_whole(table, field,
        if (inherits(x, "Date")) floor(as.numeric(x)) * 86400e6 else microseconds(x, field$name)),
    if (is.double(x) && !inherits(x, "integer64")) {
      check(.Call("r_table_set_float64", table, field$name, as.numeric(x), PACKAGE = "libflip"))
    } else set_whole(table, field, x))
}

set_whole <- function(table, field, x) {
  check(.Call("r_table_set_int64", table, field$name, x, inherits(x, "integer64"), PACKAGE = "libflip"))
}

# Days since 1970. A Date with a fraction is its day, as R prints it; a POSIXct must be a midnight of UTC.
days_of <- function(name, x) {
  days <- if (inherits(x, "Date")) floor(as.numeric(x)) else as.numeric(x) / 86400
  if (any(days != floor(days), na.rm = TRUE)) {
    refuse("schema", "column '", name, "': a date with a time of day (counted in UTC)")
  }
  days
}

set_values <- function(table, field, x, missing_texts) {
  cells <- column_texts(x)
  set_text(table, field, cells$codes, cells$levels, missing_texts)
}

# Row i holds levels[codes[i]].
set_text <- function(table, field, codes, levels, missing_texts) {
  used <- !is.na(levels) & !levels %in% missing_texts
  renumbered <- rep(NA_integer_, length(levels))
  renumbered[used] <- seq_len(sum(used))
  if (!is.null(field$constraints$enum) || field$type == "boolean") {
    check(.Call("r_table_set_codes", table, field$name, renumbered[codes], levels[used], PACKAGE = "libflip"))
  } else check(.Call("r_table_set_strings", table, field$name, renumbered[codes], levels[used], PACKAGE = "libflip"))
}

# A field as R's vector: factor, logical, integer (numeric where the declared bounds leave 32 bits, integer64 where they
# leave what doubles hold exactly), numeric, Date, POSIXct in UTC.
get_column <- function(table, field) {
  levels <- unlist(field$constraints$enum)
  if (!is.null(levels)) {
    codes <- check(.Call("r_table_get_codes", table, field$name, PACKAGE = "libflip"))
    if (field$type == "string") return(structure(codes, levels = levels, class = "factor"))
    values <- typed_levels(levels, field$type)
    if (inherits(values, "integer64")) return(int64_of(int64_text(values)[codes]))
    return(values[codes])
  }
  whole <- function(type) check(.Call("r_table_get_int64", table, field$name, type, PACKAGE = "libflip"))
  values <- reason_values(field$reasons, field$type)
  bounds <- c(unlist(field$constraints[c("minimum", "maximum")]), if (field$type == "integer") values[!is.na(values)])
  x <- switch(field$type,
    number = check(.Call("r_table_get_float64", table, field$name, PACKAGE = "libflip")),
    boolean = whole("logical"),
    date = as.Date(whole("double"), origin = "1970-01-01"),
    datetime = as.POSIXct(whole("moment"), origin = "1970-01-01", tz = "UTC"),
    get_integer(whole, bounds))
  if (all(is.na(values))) return(x)
  places <- check(.Call("r_table_get_reasons", table, field$name, PACKAGE = "libflip"))
  told <- which(!is.na(places) & !is.na(values[places]))
  if (inherits(x, "integer64")) {
    texts <- int64_text(x)
    texts[told] <- cell_text(values)[places[told]]
    return(int64_of(texts))
  }
  x[told] <- if (is.integer(x)) as.integer(values[places[told]]) else values[places[told]]
  x
}

# The fields as lists, each with the texts of its reasons for missing values.
with_reasons <- function(fields, schema) {
  Map(function(field, reasons) { field$reasons <- reasons; field }, fields, unname(reasons_of(schema)))
}

# The values that reasons are in the type of their field; NA for one that is none.
reason_values <- function(texts, type) {
  switch(type,
    date = as.Date(texts, format = "%Y-%m-%d"),
    datetime = as.POSIXct(sub("Z$", "", texts), format = "%Y-%m-%dT%H:%M:%OS", tz = "UTC"),
    integer = , number = suppressWarnings(as.numeric(texts)),
    rep(NA, length(texts)))
}

# bit64 is loaded for its methods, such as print(); the values are exact without it.
get_integer <- function(whole, bounds) {
  if (fits_integer(bounds)) return(whole("integer"))
  if (all_exact(bounds)) return(whole("double"))
  requireNamespace("bit64", quietly = TRUE)
  structure(whole("integer64"), class = "integer64")
}

fits_integer <- function(x) all(abs(as.numeric(x)) <= .Machine$integer.max)

# The levels of a field that is no string, in its own type.
typed_levels <- function(levels, type) {
  if (type == "date") return(as.Date(levels))
  if (type == "datetime") return(as.POSIXct(sub("Z$", "", levels), format = "%Y-%m-%dT%H:%M:%OS", tz = "UTC"))
  if (type == "integer" && !all_exact(levels)) {
    requireNamespace("bit64", quietly = TRUE)
    return(int64_of(cell_text(levels)))
  }
  levels <- as.numeric(levels)
  if (type == "integer" && fits_integer(levels)) as.integer(levels) else levels
}
