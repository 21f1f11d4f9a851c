# The library itself: its build, its configuration keys, its check of files.

flip_build_info <- function() {
  info <- from_json(check(.Call("r_build_info", PACKAGE = "libflip")))
  info$path <- .Call("r_version", PACKAGE = "libflip")[[3]]
  info
}

flip_config <- function(what = "plan") {
  keys <- from_json(check(.Call("r_config_schema", one_text(what, "what"), PACKAGE = "libflip")))
  data.frame(key = names(keys), default = vapply(keys, function(k) to_json(k$default), ""),
      range = vapply(keys, `[[`, "", "range"), unit = vapply(keys, `[[`, "", "unit"),
      help = vapply(keys, `[[`, "", "help"), stringsAsFactors = FALSE, row.names = NULL)
}

flip_file_check <- function(path) from_json(check(.Call("r_file_check", one_path(path), PACKAGE = "libflip")))
