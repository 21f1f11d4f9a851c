# The cells of a data frame's column as one of R's plain vectors.
# flip_table, flip_infer and flip_check begin here, so that all three agree on missing cells, labels, encodings and
# moments. No message shows a value.

# The column as a factor, logical, integer, double, integer64, character, Date or POSIXct vector.
# field: the schema's field as a list, or NULL where a schema is being inferred.
# missing_texts: the texts that mean "missing" in the field.
plain_column <- function(name, x, field = NULL, missing_texts = NULL) {
  if (inherits(x, "POSIXlt")) x <- as.POSIXct(x)
  refuse_strange(name, x)
  if (inherits(x, "factor_ext")) x <- factor_of_values(x)
  gone <- absent(x)
  # A user-missing code that the schema labels is a reason, which is a state of its own.
  if (inherits(x, "haven_labelled_spss") && length(field$reasons) > 0) {
    gone <- gone & !cell_text(as.vector(unclass(x))) %in% field$reasons
  }
  # hdf5r reads a factor's NA as a code that has no level.
  if (is.factor(x)) gone <- gone | !as.integer(x) %in% seq_along(levels(x))
  if (inherits(x, c("haven_labelled", "haven_labelled_spss"))) x <- labelled_column(name, x, gone, field)
  if (!is.factor(x) && !inherits(x, c("Date", "POSIXct", "integer64"))) x <- as.vector(unclass(x))
  if (any(gone) && !inherits(x, "integer64")) x[gone] <- NA
  if (is.character(x)) x <- by_distinct(x, function(texts) utf8(texts, name))
  if (is.factor(x)) levels(x) <- utf8(levels(x), name)
  if (inherits(x, "POSIXct")) microseconds(x, name)
  exactly_whole(name, without_codes(x, missing_texts), field)
}

refuse_strange <- function(name, x) {
  if (isS4(x) || inherits(x, "integer64") && !is.double(x)) {       # such as nanotime, or a damaged integer64
    refuse("schema", "column '", name, "': a column of class ", class(x)[1], " is not one a table can hold")
  }
  if (!is.null(dim(x)) || is.list(x) || !(is.atomic(x) || is.factor(x)) || is.complex(x) || is.raw(x) ||
      inherits(x, "difftime")) {
    refuse("schema", "column '", name, "': a column of class ", class(x)[1], " is not one a table can hold")
  }
}

# Which cells are missing: those that is.na() calls so, the user-missing codes of SPSS files included even where haven
# is not loaded.
absent <- function(x) {
  if (inherits(x, "integer64")) return(is.na(int64_text(x)))
  out <- as.logical(is.na(x))
  if (!inherits(x, "haven_labelled_spss")) return(out)
  values <- as.vector(unclass(x))
  range <- attr(x, "na_range")
  out <- out | values %in% attr(x, "na_values")
  if (length(range) == 2) out <- out | !is.na(values) & values >= range[1] & values <= range[2]
  out
}

# A column with value labels. A field of texts takes the labels where its levels are labels, and the values otherwise;
# all other fields take the values. Without a field, labels are levels where every value has one.
labelled_column <- function(name, x, gone, field) {
  labels <- attr(x, "labels")
  values <- as.vector(unclass(x))
  if (!is.null(labels)) labels <- labels[!is.na(labels) & !absent(relabelled(labels, x))]
  covered <- length(labels) > 0 && all(gone | values %in% labels)
  texts <- function() {
    labels <- labels[order(labels)]
    factor(names(labels)[match(values, labels)], levels = unique(names(labels)))
  }
  if (is.null(field)) return(if (covered) texts() else values)
  if (field$type != "string" || length(labels) == 0) return(values)
  levels <- unlist(field$constraints$enum)
  fits <- any(names(labels) %in% levels)
  if (fits && covered) return(texts())
  if (fits) {
    refuse("schema", "column '", name,
        "': labelled, but not every value has a label; haven::as_factor() makes a factor of it")
  }
  if (!any(cell_text(as.vector(labels)) %in% levels)) {
    refuse("schema", "column '", name,
        "': neither its labels nor its values are levels of the field; haven::as_factor() makes a factor of it")
  }
  values
}

# The labels' values with the rules of `x` for what is missing.
relabelled <- function(labels, x) {
  structure(as.vector(unclass(labels)), class = class(x), na_values = attr(x, "na_values"),
      na_range = attr(x, "na_range"))
}

# hdf5r's factor whose codes are values of its own.
factor_of_values <- function(x) {
  factor(levels(x)[match(as.vector(unclass(x)), attr(x, "values"))], levels = levels(x))
}

# What `change` makes of each element, each distinct one changed once.
by_distinct <- function(x, change) {
  distinct <- unique(x)
  changed <- change(distinct)
  if (identical(changed, distinct)) x else changed[match(x, distinct)]
}

# The texts in UTF-8, translated from the encoding they are marked with. Bytes that are no text in it are refused.
# name: of the column, for the message.
utf8 <- function(x, name) {
  out <- utf8_or_na(x)
  if (anyNA(out[!is.na(x)])) {
    refuse("schema", "column '", name, "': not UTF-8; iconv() or fileEncoding= of read.csv() translates it")
  }
  out
}

# The texts in UTF-8; NA where the bytes are none in the encoding that the text is marked with.
utf8_or_na <- function(x) {
  foreign <- which(Encoding(x) != "UTF-8" & grepl("[^ -~\t\r\n]", x, useBytes = TRUE))
  if (length(foreign) > 0) {
    marks <- Encoding(x[foreign])
    x[foreign[marks == "latin1"]] <- enc2utf8(x[foreign[marks == "latin1"]])
    x[foreign[marks == "bytes"]] <- NA
    own <- foreign[marks == "unknown"]
    x[own] <- iconv(x[own], "", "UTF-8")
  }
  x[!is.na(x) & !validUTF8(x)] <- NA
  x
}

# Moments as whole microseconds since 1970. A double stands for the whole microsecond whose nearest double it is; one
# that is the nearest of none is finer than a microsecond and refused, so what is accepted comes back as the same
# double. name: of the column, or NULL for an argument.
microseconds <- function(x, name = NULL) {
  seconds <- as.numeric(x)
  whole <- floor(seconds)
  micros <- whole * 1e6 + round((seconds - whole) * 1e6)
  exact <- ifelse(abs(micros) <= 2^53, micros / 1e6 == seconds, micros - whole * 1e6 == (seconds - whole) * 1e6)
  if (!all(exact | !is.finite(seconds))) {
    refuse(if (is.null(name)) "arg" else "schema", if (!is.null(name)) paste0("column '", name, "': "),
           "finer than a microsecond; .POSIXct(round(as.numeric(x) * 1e6) / 1e6, \"UTC\") rounds it")
  }
  micros
}

# Numbers, days and moments that a missing text spells become missing, as they are in a CSV file.
without_codes <- function(x, missing_texts) {
  if (length(missing_texts) == 0 || is.character(x) || is.factor(x)) return(x)
  if (inherits(x, c("Date", "POSIXct"))) {
    if (!any(grepl("^[0-9]{4}-", missing_texts))) return(x)
    distinct <- unique(x)
    gone <- x %in% distinct[cell_text(distinct) %in% missing_texts]
  } else {
    numbers <- grep("^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?$", missing_texts, value = TRUE)
    if (length(numbers) == 0 || is.logical(x)) return(x)
    if (inherits(x, "integer64")) {
      texts <- int64_text(x)
      texts[texts %in% c(numbers, cell_text(as.numeric(numbers)))] <- NA
      return(int64_of(texts))
    }
    gone <- x %in% as.numeric(numbers)
  }
  x[gone] <- NA
  x
}

# Doubles beyond 2^53 leave out whole numbers, so such a double may be another number than was meant. Where the bounds
# let it pass, it is refused; so is an integer64 that a field of numbers could only round.
exactly_whole <- function(name, x, field) {
  if (is.null(field) || is.factor(x) || inherits(x, c("Date", "POSIXct"))) return(x)
  if (inherits(x, "integer64")) {
    texts <- int64_text(x)
    if (field$type == "number" && !all(is_exact(texts) | is.na(texts))) {
      refuse("schema", "column '", name,
          "': a whole number beyond 2^53, which a field of numbers would round; declare it an integer")
    }
    return(x)
  }
  if (is.double(x) && field$type == "integer" && !all_exact(unlist(field$constraints[c("minimum", "maximum", "enum")]))
      && any(is.finite(x) & abs(x) > 2^53)) {
    refuse("schema", "column '", name,
        "': a double beyond 2^53 is no exact whole number; use integer64 (package bit64) or text")
  }
  x
}

# Whether doubles hold these whole numbers exactly, given as numbers or as texts.
all_exact <- function(x) all(is_exact(x))

is_exact <- function(x) {
  doubles <- suppressWarnings(as.numeric(x))
  !is.na(doubles) & (abs(doubles) < 2^53 |
      if (is.character(x)) x %in% c("9007199254740992", "-9007199254740992") else abs(doubles) == 2^53)
}

# integer64, as package bit64 keeps it, without that package: the texts of the numbers, and the numbers of texts. NA is
# missing.
int64_text <- function(x) .Call("r_int64_text", x, PACKAGE = "libflip")
int64_of <- function(texts) structure(.Call("r_int64_of", texts, PACKAGE = "libflip"), class = "integer64")
