# Ledgers: what a training released and what that cost, release by release.

# One row a release and group. A choice (rho-zCDP) costs every group the same and stands once.
as.data.frame.flip_ledger <- function(x, row.names = NULL, optional = FALSE, ...) {
  rows <- lapply(x$releases, function(release) {
    if (!is.null(release$rho)) {
      return(data.frame(release = release$name, count = release$count, group = NA_character_, sampling_rate = NA_real_,
          noise_multiplier = NA_real_, rho = release$rho, stringsAsFactors = FALSE))
    }
    data.frame(release = release$name, count = release$count, group = names(release$groups),
        sampling_rate = vapply(release$groups, `[[`, 0, "sampling_rate"),
        noise_multiplier = vapply(release$groups, `[[`, 0, "noise_multiplier"), rho = NA_real_,
        stringsAsFactors = FALSE)
  })
  out <- do.call(rbind, rows)
  rownames(out) <- row.names
  out
}

format.flip_ledger <- function(x, ...) {
  sprintf("<flip_ledger> epsilon %s at delta %s, %d releases", cell_text(x$epsilon), short(x$delta), length(x$releases))
}

print.flip_ledger <- function(x, ...) {
  cat("promise  epsilon ", cell_text(x$epsilon), " at delta ", short(x$delta), ", ", x$neighbouring, "; ", x$accountant,
      " at order ", x$order, "\n", sep = "")
  cat("spent    epsilon ", short(x$spent), "\n\n", sep = "")
  releases <- as.data.frame(x)
  names(releases)[4:5] <- c("rate", "noise")
  if (all(is.na(releases$rho))) releases$rho <- NULL
  print(releases, row.names = FALSE, right = FALSE, digits = 4)
  groups <- unlist(x$groups)
  if (length(groups) > 1) {
    cat("\nwhat it cost a row of each group\n")
    print(data.frame(group = names(groups), epsilon = groups, stringsAsFactors = FALSE), row.names = FALSE,
        right = FALSE, digits = 4)
  }
  for (part in c("assumptions", "notes")) {
    if (length(x[[part]]) > 0) {
      cat("\n", part, "\n", paste0("  ", strwrap(unlist(x[[part]]), 110, exdent = 2), "\n"), sep = "")
    }
  }
  invisible(x)
}

summary.flip_ledger <- function(object, ...) {
  data.frame(group = names(object$groups), epsilon = unlist(object$groups), delta = object$delta,
      stringsAsFactors = FALSE, row.names = NULL)
}
