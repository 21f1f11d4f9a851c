# What the library refuses, as R conditions: a class for each code of flip.h, all of them flip_error.
# A caller writes tryCatch(..., flip_error_budget = function(e) ...).

codes <- c("arg", "state", "schema", "io", "format", "version", "budget", "cancelled", "nomem", "numeric", "entropy",
    "unsupported", "internal")

# `out`, what .Call gave; raised when it is a failure.
check <- function(out) {
  if (inherits(out, "flip_failure")) refuse(out[[1]], out[[2]])
  out
}

# code: the number of flip.h or its short name.
refuse <- function(code, ...) {
  if (is.character(code)) code <- match(code, codes)
  kind <- if (code %in% seq_along(codes)) paste0("flip_error_", codes[code])
  stop(structure(class = c(kind, "flip_error", "error", "condition"),
                 list(message = paste0(...), call = NULL, code = as.integer(code),
                     name = .Call("r_status_name", as.integer(code), PACKAGE = "libflip"))))
}

# The arguments of R's functions, by the same conditions. None shows a value.
one_text <- function(x, name, optional = FALSE) {
  if (optional && is.null(x)) return(NULL)
  if (!is.character(x) || length(x) != 1 || is.na(x)) refuse("arg", name, ": must be one text")
  x <- utf8_or_na(x)
  if (is.na(x)) refuse("arg", name, ": not UTF-8")
  x
}

one_path <- function(x, name = "path") path.expand(one_text(x, name))

one_whole <- function(x, name, optional = FALSE) {
  if (optional && is.null(x)) return(NULL)
  if (!is.numeric(x) || length(x) != 1 || is.na(x) || x != floor(x) || abs(x) > 2^53) {
    refuse("arg", name, ": must be one whole number")
  }
  as.numeric(x)
}

one_number <- function(x, name) {
  if (!is.numeric(x) || length(x) != 1 || is.nan(x) || is.na(x)) refuse("arg", name, ": must be one number")
  as.numeric(x)
}

one_logical <- function(x, name) {
  if (!is.logical(x) || length(x) != 1 || is.na(x)) refuse("arg", name, ": must be TRUE or FALSE")
  x
}

of_class <- function(x, class, name) {
  if (!inherits(x, class)) refuse("arg", name, ": must be a ", class)
  x
}
