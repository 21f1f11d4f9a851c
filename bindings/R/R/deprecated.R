# The former names of functions, from before all names began with `flip_`.
# Each calls the function of the new name, and warns once a session.

renamed <- c(add_mechanism = "flip_add_mechanism", add_releases = "flip_add_releases",
             budget_charge = "flip_budget_charge", budget_settle = "flip_budget_settle",
             delta_at = "flip_delta_at", epsilon_at = "flip_epsilon_at", model_schema = "flip_model_schema",
             plan_epsilon = "flip_plan_epsilon", plan_memory = "flip_plan_memory",
             read_flip_csv = "flip_read_csv", read_flip_hdf5 = "flip_read_hdf5", sample_rows = "flip_sample",
             write_flip_csv = "flip_write_csv", write_flip_hdf5 = "flip_write_hdf5",
             write_flip_schema = "flip_write_schema")

warned <- new.env()                               # holds the old names that were used in this session

# The function of the new name, behind a warning that names both.
alias_of <- function(old) {
  new <- renamed[[old]]
  function(...) {
    if (is.null(warned[[old]])) {
      warned[[old]] <- TRUE
      .Deprecated(new, package = "libflip", old = old)
    }
    get(new, envir = asNamespace("libflip"), mode = "function")(...)
  }
}

add_mechanism <- alias_of("add_mechanism")
add_releases <- alias_of("add_releases")
budget_charge <- alias_of("budget_charge")
budget_settle <- alias_of("budget_settle")
delta_at <- alias_of("delta_at")
epsilon_at <- alias_of("epsilon_at")
model_schema <- alias_of("model_schema")
plan_epsilon <- alias_of("plan_epsilon")
plan_memory <- alias_of("plan_memory")
read_flip_csv <- alias_of("read_flip_csv")
read_flip_hdf5 <- alias_of("read_flip_hdf5")
sample_rows <- alias_of("sample_rows")
write_flip_csv <- alias_of("write_flip_csv")
write_flip_hdf5 <- alias_of("write_flip_hdf5")
write_flip_schema <- alias_of("write_flip_schema")
