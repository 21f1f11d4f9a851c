# Between R's vectors and a table's columns. The library checks every value; this only brings types together. No message shows a value.

# Sets a field. What its type does not take as numbers crosses as text, each distinct value once.
set_column <- function(table, field, x, missing_texts) {
  if (inherits(x, "POSIXlt")) x <- as.POSIXct(x)
  refuse_strange(field$name, x)
  coded <- !is.null(field$constraints$enum)
  whole <- function(x, bits = FALSE) check(.Call("r_table_set_int64", table, field$name, x, bits, PACKAGE = "libflip"))
  double <- function(x) check(.Call("r_table_set_float64", table, field$name, as.numeric(x), PACKAGE = "libflip"))
  if (is.factor(x)) return(set_text(table, field, as.integer(x), levels(x), missing_texts))
  if (coded || is.character(x) || is.logical(x) && field$type != "boolean") return(set_values(table, field, x, missing_texts))
  moment <- inherits(x, c("Date", "POSIXct"))
  if (field$type %in% c("date", "datetime") && !moment) {
    refuse("schema", "column '", field$name, "': a ", field$type, " is a Date, a POSIXct or text, not of class ", class(x)[1])
  }
  if (moment && !field$type %in% c("date", "datetime")) refuse("schema", "column '", field$name, "': a ", field$type, " is not of class ", class(x)[1])
  switch(field$type,
    date = {
      days <- if (inherits(x, "Date")) floor(unclass(x)) else as.numeric(x) / 86400
      if (any(days != floor(days), na.rm = TRUE)) refuse("schema", "column '", field$name, "': a date with a time of day (counted in UTC)")
      whole(as.numeric(days))
    },
    datetime = whole(if (inherits(x, "Date")) floor(as.numeric(x)) * 86400e6 else round(as.numeric(x) * 1e6)),
    if (inherits(x, "integer64")) whole(x, TRUE) else if (is.integer(x) || is.logical(x)) whole(x) else double(x))
}

refuse_strange <- function(name, x) {
  if (!is.null(dim(x)) || is.list(x) || !(is.atomic(x) || is.factor(x)) || is.complex(x) || is.raw(x) || inherits(x, "difftime")) {
    refuse("schema", "column '", name, "': a column of class ", class(x)[1], " is not one a table can hold")
  }
}

set_values <- function(table, field, x, missing_texts) {
  if (inherits(x, "integer64")) x <- as.character(x)      # bit64's method; its package is loaded wherever such a column was made
  distinct <- unique(x)
  set_text(table, field, match(x, distinct), cell_text(distinct), missing_texts)
}

# Row i holds levels[codes[i]].
set_text <- function(table, field, codes, levels, missing_texts) {
  used <- !is.na(levels) & !levels %in% missing_texts
  renumbered <- rep(NA_integer_, length(levels))
  renumbered[used] <- seq_len(sum(used))
  routine <- if (!is.null(field$constraints$enum) || field$type == "boolean") "r_table_set_codes" else "r_table_set_strings"
  if (routine == "r_table_set_codes") check(.Call("r_table_set_codes", table, field$name, renumbered[codes], levels[used], PACKAGE = "libflip"))
  else check(.Call("r_table_set_strings", table, field$name, renumbered[codes], levels[used], PACKAGE = "libflip"))
}

# A field as R's vector: factor, logical, integer (numeric where the declared bounds leave 32 bits), numeric, Date, POSIXct in UTC.
get_column <- function(table, field) {
  levels <- unlist(field$constraints$enum)
  if (!is.null(levels)) {
    codes <- check(.Call("r_table_get_codes", table, field$name, PACKAGE = "libflip"))
    if (field$type == "string") return(structure(codes, levels = levels, class = "factor"))
    return(typed_levels(levels, field$type)[codes])
  }
  whole <- function(type) check(.Call("r_table_get_int64", table, field$name, type, PACKAGE = "libflip"))
  switch(field$type,
    number = check(.Call("r_table_get_float64", table, field$name, PACKAGE = "libflip")),
    boolean = whole("logical"),
    date = as.Date(whole("double"), origin = "1970-01-01"),
    datetime = as.POSIXct(whole("double") / 1e6, origin = "1970-01-01", tz = "UTC"),
    whole(if (fits_integer(unlist(field$constraints[c("minimum", "maximum")]))) "integer" else "double"))
}

fits_integer <- function(x) all(abs(x) <= .Machine$integer.max)

# The levels of a field that is no string, in its own type.
typed_levels <- function(levels, type) {
  if (type == "date") return(as.Date(levels))
  if (type == "datetime") return(as.POSIXct(sub("Z$", "", levels), format = "%Y-%m-%dT%H:%M:%OS", tz = "UTC"))
  levels <- as.numeric(levels)
  if (type == "integer" && fits_integer(levels)) as.integer(levels) else levels
}
