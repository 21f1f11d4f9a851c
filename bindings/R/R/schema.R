# Schemas: what the columns may hold. Public by declaration.

flip_field <- function(name, type, ..., minimum = NULL, maximum = NULL, enum = NULL, required = NULL,
    multiple_of = NULL, title = NULL, description = NULL) {
  if (...length() > 0) refuse("arg", "flip_field: an argument that is not known")
  rules <- list(minimum = minimum, maximum = maximum, multipleOf = multiple_of, enum = if (!is.null(enum)) I(enum),
      required = required)
  rules <- rules[!vapply(rules, is.null, NA)]
  field <- list(name = one_text(name, "name"), type = one_text(type, "type"), title = title, description = description,
                constraints = if (length(rules) > 0) rules)
  structure(field[!vapply(field, is.null, NA)], class = "flip_field")
}

flip_schema <- function(x, ..., missing_values = NULL) {
  if (inherits(x, "flip_schema")) return(x)
  if (inherits(x, "flip_field") || ...length() > 0) {
    x <- list(fields = lapply(list(x, ...), of_class, "flip_field", "fields"))
  }
  if (is.list(x)) x <- to_json(schema_list(x, missing_values))
  else {
    x <- one_text(x, "x")
    if (!grepl("^\\s*\\{", x)) x <- read_text(path.expand(x))
    if (!is.null(missing_values)) refuse("arg", "missing_values: stands in the schema's text")
  }
  pointer <- check(.Call("r_schema_parse", x, NULL, PACKAGE = "libflip"))
  new_schema(schema_json(pointer), pointer)
}

schema_json <- function(pointer) check(.Call("r_schema_json", pointer, PACKAGE = "libflip"))

flip_write_schema <- function(schema, path) {
  text <- jsonlite::prettify(of_class(schema, "flip_schema", "schema")$json, indent = 1)
  if (flip_schema(as.character(text))$json != schema$json) {
    refuse("internal", "the text that would be written is another schema")
  }
  written <- tryCatch(writeLines(enc2utf8(text), one_path(path), useBytes = TRUE), error = identity, warning = identity)
  if (inherits(written, "condition")) refuse("io", path, ": cannot be written")
  invisible(schema)
}

# Whether levels and bounds were read off rows, and nobody has vouched for them yet.
assumed <- function(schema) identical(from_json(schema$json)[["flip:domain"]], "assume-public")

new_schema <- function(json, pointer = check(.Call("r_schema_parse", json, NULL, PACKAGE = "libflip"))) {
  structure(list(json = json, pointer = pointer), class = "flip_schema")
}

# A list as R users write one: what must be an array is one, however short.
schema_list <- function(x, missing_values) {
  if (!is.null(x$fields)) x$fields <- lapply(unname(x$fields), function(field) {
    if (!is.null(field$constraints$enum)) field$constraints$enum <- as.list(unname(field$constraints$enum))
    for (key in c("missingValues", "categories", "trueValues", "falseValues")) {
      if (!is.null(field[[key]])) field[[key]] <- as.list(unname(field[[key]]))
    }
    if (identical(field$type, "integer") && !is.null(field$constraints)) {
      field$constraints <- lapply(field$constraints, whole_text)
    }
    unclass(field)
  })
  if (!is.null(missing_values)) x$missingValues <- missing_values
  if (!is.null(x$missingValues)) x$missingValues <- as.list(unname(x$missingValues))
  x
}

# as.list() of a schema gives whole numbers beyond 2^53 as text, which goes back into JSON as it is.
whole_text <- function(bound) {
  if (!is.character(bound) || length(bound) != 1 || !grepl("^-?[0-9]+$", bound)) return(bound)
  structure(bound, class = "whole_text")
}

read_text <- function(path) {
  if (!file.exists(path) || dir.exists(path)) refuse("io", path, ": no such file")
  bytes <- readBin(path, "raw", file.size(path))
  if (any(bytes == 0)) refuse("format", path, ": not a text")
  text <- rawToChar(bytes)
  Encoding(text) <- "UTF-8"
  text
}

# The fields as lists: name, type, constraints.
fields_of <- function(schema) schema_from_json(schema$json)$fields

# For each field the texts that mean "missing": its own, or those of the schema. A text that is a level of the field is
# none.
missing_texts_of <- function(schema) {
  Map(function(entries, reasons, levels) setdiff(texts_of(entries), c(reasons, levels)), missing_entries(schema),
      reasons_of(schema), lapply(fields_of(schema), function(field) unlist(field$constraints$enum)))
}

# What the schema says of missing values, for each field: texts, or lists of a value and a label.
missing_entries <- function(schema) {
  whole <- schema_from_json(schema$json)
  lapply(whole$fields, function(field) field$missingValues %or% whole$missingValues)
}

texts_of <- function(entries) vapply(entries, function(entry) if (is.list(entry)) entry$value else entry, "")

# For each field the missing values that say why, each a state beside the values; none of a field with levels, where
# they are levels.
reasons_of <- function(schema) {
  Map(function(field, entries) {
    if (!is.null(field$constraints$enum) || isTRUE(field[["flip:bought"]])) return(character())
    labelled <- vapply(entries, function(entry) is.list(entry) && !is.null(entry$label) && nzchar(entry$value), NA)
    texts_of(entries[labelled])
  }, schema_from_json(schema$json)$fields, missing_entries(schema))
}

# The schema without the members that say how numbers and dates are written as text: what is no text in R is not written
# so.
without_format <- function(schema) {
  whole <- as.list(schema)
  written <- c("format", "decimalChar", "groupChar", "bareNumber")
  if (!any(vapply(whole$fields, function(field) any(written %in% names(field)), NA))) return(schema)
  whole$fields <- lapply(whole$fields, function(field) field[setdiff(names(field), written)])
  flip_schema(whole)
}

# `value`, or `other` when that is NULL.
`%or%` <- function(value, other) if (is.null(value)) other else value

as.list.flip_schema <- function(x, ...) schema_from_json(x$json)

as.character.flip_schema <- function(x, ...) x$json

format.flip_schema <- function(x, ...) {
  names <- vapply(fields_of(x), `[[`, "", "name")
  paste0("<flip_schema> ", length(names), " fields: ", paste(names, collapse = ", "))
}

print.flip_schema <- function(x, ...) {
  origin <- if (assumed(x)) "levels and bounds read off rows, assumed public: make sure that they are"
            else "public by your declaration"
  cat("<flip_schema>", origin, "
")
  print(summary(x), row.names = FALSE, right = FALSE)
  invisible(x)
}

summary.flip_schema <- function(object, ...) {
  fields <- fields_of(object)
  data.frame(name = vapply(fields, `[[`, "", "name"), type = vapply(fields, `[[`, "", "type"),
      domain = vapply(fields, domain_text, ""),
      required = vapply(fields, function(f) isTRUE(f$constraints$required), NA), stringsAsFactors = FALSE)
}

domain_text <- function(field) {
  rule <- field$constraints
  if (!is.null(rule$enum)) {
    levels <- unlist(rule$enum)
    shown <- paste(utils::head(levels, 3), collapse = ", ")
    return(if (length(levels) > 3) paste0(shown, ", ... (", length(levels), " levels)") else shown)
  }
  if (field$type == "boolean") return("TRUE, FALSE")
  text <- paste(cell_text(rule$minimum), "to", cell_text(rule$maximum))
  step <- rule$multipleOf %or% field[["flip:multipleOf"]]
  if (!is.null(step)) {
    text <- paste0(text, " by ", cell_text(step), if (field$type == "datetime") " s")
  }
  text
}
