# Plans: every release of a training and its cost, fixed without data.

flip_plan <- function(schema, protected = NULL, epsilon = NULL, delta = NULL, preset = NULL, config = list(),
    budget = NULL, share = NULL, name = NULL) {
  schema <- flip_schema(schema)
  if (!is.list(config)) refuse("arg", "config: must be a list")
  if (!is.null(budget)) of_class(budget, "flip_budget", "budget")
  else if (!is.null(share) || !is.null(name)) refuse("arg", "share and name: of a training under a budget")
  named <- list(protected = if (!is.null(protected)) as.list(protected), epsilon = epsilon, delta = delta,
      preset = preset, share = share, name = name)
  named <- named[!vapply(named, is.null, NA)]
  twice <- intersect(names(named), names(config))
  if (length(twice) > 0) refuse("arg", "given twice: ", paste(twice, collapse = ", "))
  text <- config_json(c(named, config), "plan")
  handle <- made_plan(schema, budget, text)
  structure(list(schema = schema, config = text, budget = budget, json = plan_json(handle), pointer = handle),
      class = "flip_plan")
}

made_plan <- function(schema, budget, config, into = NULL) {
  if (is.null(budget)) check(.Call("r_plan_create", pointer(schema), config, into, PACKAGE = "libflip"))
  else check(.Call("r_plan_create_under", pointer(schema), pointer(budget), config, into, PACKAGE = "libflip"))
}

plan_json <- function(handle) check(.Call("r_plan_json", handle, PACKAGE = "libflip"))

# What a plan resolved to: the promise, every option, stages and releases with what they buy.
as.list.flip_plan <- function(x, ...) from_json(check(.Call("r_plan_explain", pointer(x), PACKAGE = "libflip")))

as.character.flip_plan <- function(x, ...) x$json

format.flip_plan <- function(x, ...) {
  plan <- from_json(x$json)
  sprintf("<flip_plan> preset %s: epsilon %s at delta %s, %d columns", plan$preset, cell_text(plan$epsilon),
      short(plan$delta), length(plan$schema$fields))
}

print.flip_plan <- function(x, ...) {
  cat(sub("\n*$", "\n", check(.Call("r_plan_explanation", pointer(x), PACKAGE = "libflip"))))
  invisible(x)
}

# One row a release that costs: stage, share of the budget, epsilon_alone (these do not add, the shares do).
summary.flip_plan <- function(object, ...) {
  releases <- as.list(object)$releases
  column <- function(key, none) vapply(releases, function(r) if (is.null(r[[key]])) none else r[[key]], none)
  data.frame(stage = column("stage", ""), share_of_budget = column("share_of_budget", NA_real_),
      epsilon_alone = column("epsilon_alone", NA_real_), stringsAsFactors = FALSE)
}

flip_plan_epsilon <- function(plan, delta, accountant = "renyi") {
  check(.Call("r_plan_epsilon", pointer(of_class(plan, "flip_plan", "plan")), one_text(accountant, "accountant"),
      one_number(delta, "delta"), PACKAGE = "libflip"))
}

flip_plan_memory <- function(plan, rows) {
  check(.Call("r_plan_memory", pointer(of_class(plan, "flip_plan", "plan")), one_whole(rows, "rows"),
      PACKAGE = "libflip"))
}

short <- function(x) format(x, digits = 4, trim = TRUE)
