# R values as JSON text whose numbers read back as the same doubles, and JSON text as R lists.
# jsonlite reads the library's text and writes strings. It would round numbers to 15 digits.

# Vectors of length 1 are single values unless wrapped in I() or a list; what has names is an object; NA and NULL are
# null.
to_json <- function(x) {
  if (is.null(x)) return("null")
  if (inherits(x, "POSIXlt")) x <- as.POSIXct(x)
  if (is.factor(x)) x <- structure(as.character(x), class = if (inherits(x, "AsIs")) "AsIs", names = names(x))
  if (inherits(x, "whole_text")) return(unclass(x))
  if (is.list(x) || !is.null(names(x))) {
    named <- !is.null(names(x))
    parts <- vapply(seq_along(x), function(i) to_json(x[[i]]), "")
    if (!named) return(paste0("[", paste(parts, collapse = ","), "]"))
    return(paste0("{", paste0(vapply(names(x), text_json, ""), ":", parts, recycle0 = TRUE, collapse = ","), "}"))
  }
  if (is.character(x) && anyNA(utf8_or_na(x)[!is.na(x)])) refuse("arg", "a text that is not UTF-8")
  texts <- inherits(x, c("Date", "POSIXct")) || is.character(x)
  parts <- if (texts) vapply(cell_text(x), text_json, "", USE.NAMES = FALSE)
           else if (is.logical(x) || inherits(x, "integer64") || is.numeric(x)) cell_text(x)
           else refuse("arg", "a value of class ", class(x)[1], " has no JSON")
  parts[is.na(parts)] <- "null"
  if (is.numeric(x) && !inherits(x, "integer64") && !all(is.finite(x) | is.na(x))) {
    refuse("arg", "an infinite number has no JSON")
  }
  if (length(parts) == 1 && !inherits(x, "AsIs")) parts else paste0("[", paste(parts, collapse = ","), "]")
}

text_json <- function(x) {
  if (is.na(x)) return("null")
  x <- utf8_or_na(x)
  if (is.na(x)) refuse("arg", "a name that is not UTF-8")
  as.character(jsonlite::toJSON(x, auto_unbox = TRUE))
}

from_json <- function(text) jsonlite::fromJSON(text, simplifyVector = FALSE)

# A schema's JSON as a list. Whole numbers that a double cannot hold are texts in it.
schema_from_json <- function(text) jsonlite::fromJSON(text, simplifyVector = FALSE, bigint_as_char = TRUE)

# Options that were given (not NULL) as the text of a `config`; NULL when there are none. `what` names the
# configuration: what is a list there is written as one, however few values it has.
config_json <- function(options, what = NULL) {
  options <- options[!vapply(options, is.null, NA)]
  if (length(options) == 0) return(NULL)
  if (is.null(names(options)) || any(names(options) == "")) refuse("arg", "options need names")
  if (!is.null(what)) options <- boxed(options, from_json(check(.Call("r_config_schema", what, PACKAGE = "libflip"))))
  to_json(options)
}

# keys: what the library says of each; its default is a list, or its range is written {column: [values]}.
boxed <- function(options, keys, prefix = "") {
  for (key in names(options)) {
    known <- keys[[paste0(prefix, key)]]
    x <- options[[key]]
    if (is.null(known)) {
      if (is.list(x) && !is.null(names(x))) options[[key]] <- boxed(x, keys, paste0(prefix, key, "."))
    } else if (grepl("^\\{[^}]*: *\\[", known$range)) {
      if (is.list(x)) {
        options[[key]] <- lapply(x, function(values) if (is.atomic(values)) as.list(unname(values)) else values)
      }
    } else if (is.atomic(x) && is.list(known$default) && is.null(names(known$default))) {
      options[[key]] <- as.list(unname(x))
    }
  }
  options
}

# Cells as a CSV file would hold them. Doubles: the shortest of 15 and 17 digits that reads as the same number; NA stays
# NA.
cell_text <- function(x) {
  if (is.factor(x)) x <- as.character(x)
  if (inherits(x, "Date")) out <- format(as.Date(floor(unclass(x)), origin = "1970-01-01"), "%Y-%m-%d")
  else if (inherits(x, "POSIXct")) out <- moment_text(x)
  else if (is.logical(x)) out <- ifelse(x, "true", "false")
  else if (inherits(x, "integer64")) out <- int64_text(x)
  else if (is.integer(x)) out <- sprintf("%d", x)
  else if (is.numeric(x)) {
    x <- as.numeric(x)
    out <- sprintf("%.15g", x)
    inexact <- is.finite(x) & suppressWarnings(as.numeric(out)) != x
    out[inexact] <- sprintf("%.17g", x[inexact])
    whole <- is.finite(x) & x == floor(x) & abs(x) < 2^63
    out[whole] <- sprintf("%.0f", x[whole])
  } else out <- utf8_or_na(as.character(x))
  if (!inherits(x, "integer64")) out[is.na(x)] <- NA_character_
  out
}

# ISO 8601 in UTC, microseconds where there are any.
moment_text <- function(x) {
  micros <- microseconds(x)
  rest <- micros %% 1e6
  seconds <- as.POSIXct((micros - rest) / 1e6, origin = "1970-01-01", tz = "UTC")
  paste0(format(seconds, "%Y-%m-%dT%H:%M:%S", tz = "UTC"), ifelse(rest > 0, sprintf(".%06.0f", rest), ""), "Z")
}
