# Progress reports: a reporter for each meaning of the argument `progress`.
# update: a function of the library's progress list, or NULL. close: ends what is shown.

reporter_of <- function(progress) {
  if (is.function(progress)) return(list(update = progress, close = function() NULL))
  if (is.null(progress)) progress <- interactive() && requireNamespace("cli", quietly = TRUE)
  if (!one_logical(progress, "progress")) return(list(update = NULL, close = function() NULL))
  if (requireNamespace("cli", quietly = TRUE)) cli_bar() else text_bar()
}

cli_bar <- function() {
  id <- NULL
  here <- environment()                           # the bar lives as long as this reporter, not as one call of it
  list(
    update = function(p) {
      if (is.null(id)) {
        id <<- cli::cli_progress_bar(total = p$total,
            format = paste("{cli::pb_status}{cli::pb_bar} {cli::pb_percent} {cli::pb_eta_str}"), clear = FALSE,
            auto_terminate = FALSE, .envir = here)
      }
      cli::cli_progress_update(set = p$step, id = id, status = stage_text(p), .envir = here)
    },
    close = function() if (!is.null(id)) {
      cli::cli_progress_done(id = id, .envir = here)
      id <<- NULL
    })
}

text_bar <- function() {
  bar <- NULL
  list(
    update = function(p) {
      if (is.null(bar)) bar <<- utils::txtProgressBar(max = p$total, style = 3, file = stderr())
      utils::setTxtProgressBar(bar, p$step, label = stage_text(p))
    },
    close = function() if (!is.null(bar)) {
      close(bar)
      bar <<- NULL
    })
}

stage_text <- function(p) paste0(p$stage_name, if (p$epsilon > 0) sprintf(", epsilon %.3f", p$epsilon), " ")
