# Budgets: a file of charges that several trainings, and mechanisms of the host's own, share.

flip_budget <- function(path, epsilon = NULL, delta = NULL, order = NULL, selection_delta = NULL,
    max_rows_per_person = NULL, filter = NULL) {
  path <- normalizePath(one_path(path), mustWork = FALSE)
  terms <- list(epsilon = epsilon, delta = delta, order = order, selection_delta = selection_delta,
      max_rows_per_person = max_rows_per_person, filter = filter)
  terms <- terms[!vapply(terms, is.null, NA)]
  handle <- NULL
  if (!file.exists(path) && !is.null(epsilon)) {
    handle <- tryCatch(check(.Call("r_budget_create", path, config_json(terms), PACKAGE = "libflip")),
        flip_error_state = function(e) NULL)
  }                                               # NULL: another process was faster
  if (is.null(handle)) handle <- check(.Call("r_budget_open", path, NULL, PACKAGE = "libflip"))
  out <- structure(list(path = path, pointer = handle), class = "flip_budget")
  held <- as.list(out)
  for (term in names(terms)) {
    number <- if (term == "filter") identity else as.numeric
    if (!identical(number(terms[[term]]), number(held[[term]]))) {
      refuse("arg", path, ": was made with another ", term)
    }
  }
  out
}

flip_budget_charge <- function(budget, name, mechanism = "gaussian", ...) {
  event <- to_json(list(mechanism = one_text(mechanism, "mechanism"), ...))
  check(.Call("r_budget_charge", pointer(of_class(budget, "flip_budget", "budget")), one_text(name, "name"), event,
      PACKAGE = "libflip"))
  invisible(budget)
}

flip_budget_settle <- function(budget, run) {
  check(.Call("r_budget_settle", pointer(of_class(budget, "flip_budget", "budget")), one_text(run, "run"),
      PACKAGE = "libflip"))
  invisible(budget)
}

# The whole report: promise, what is spent and left (epsilons and shares), and every run with its own ledger.
as.list.flip_budget <- function(x, ...) from_json(check(.Call("r_budget_report", pointer(x), PACKAGE = "libflip")))

# One row a run. Shares add up, epsilons do not.
summary.flip_budget <- function(object, ...) {
  runs <- as.list(object)$runs
  column <- function(key, none) vapply(runs, `[[`, none, key)
  data.frame(run = column("run", ""), name = column("name", ""), kind = column("kind", ""), open = column("open", NA),
      epsilon = column("epsilon", 0), share = column("share", 0), committed_share = column("committed_share", 0),
      stringsAsFactors = FALSE)
}

format.flip_budget <- function(x, ...) {
  r <- as.list(x)
  sprintf("<flip_budget> epsilon %s at delta %s; spent %s, left for one further run %s", cell_text(r$epsilon),
      short(r$delta), short(r$spent), short(r$remaining))
}

print.flip_budget <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  runs <- summary(x)
  if (nrow(runs) > 0) {
    print(runs[c("name", "kind", "open", "epsilon", "committed_share")], row.names = FALSE, digits = 4)
  }
  invisible(x)
}
