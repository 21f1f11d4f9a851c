# Objects of the library behind R's, and how they are made again after saveRDS(), in another process or after a fork.
# A schema, a plan, a model and a budget keep what they can be made from. A table holds private rows and keeps nothing.

alive <- function(pointer) typeof(pointer) == "externalptr" && .Call("r_alive", pointer, PACKAGE = "libflip")

# The pointer of `x`, filled anew in place where it is dead.
pointer <- function(x) UseMethod("pointer")

pointer.flip_schema <- function(x) {
  if (!alive(x$pointer)) check(.Call("r_schema_parse", x$json, x$pointer, PACKAGE = "libflip"))
  x$pointer
}

pointer.flip_plan <- function(x) {
  if (!alive(x$pointer)) {
    made_plan(x$schema, x$budget, x$config, x$pointer)
    if (!identical(plan_json(x$pointer), x$json)) {
      .Call("r_free", x$pointer, PACKAGE = "libflip")
      refuse("version", "this plan was made by another version of libflip, which resolves its options differently: ",
          "make it again")
    }
  }
  x$pointer
}

pointer.flip_model <- function(x) {
  if (!alive(x$pointer)) check(.Call("r_model_from_bytes", x$bytes, x$pointer, PACKAGE = "libflip"))
  x$pointer
}

pointer.flip_budget <- function(x) {
  if (!alive(x$pointer)) check(.Call("r_budget_open", x$path, x$pointer, PACKAGE = "libflip"))
  x$pointer
}

pointer.flip_table <- function(x) {
  if (!alive(x$pointer)) {
    refuse("state", "this flip_table was made in another R process or session; its rows are private and are not ",
        "saved with it: make it again")
  }
  x$pointer
}
