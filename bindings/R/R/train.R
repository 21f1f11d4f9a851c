# Training, in slices of a tenth of a second that R runs in a loop.
# Between two slices R hears an interrupt or a time limit.

flip_train <- function(x, plan = NULL, ..., schema = NULL, progress = NULL, checkpoint = NULL, resume = FALSE,
    group = NULL) {
  if (!is.null(plan) && ...length() > 0) {
    refuse("arg", "give a plan, or the options of one: ", paste(...names(), collapse = ", "))
  }
  if (!is.null(plan)) of_class(plan, "flip_plan", "plan")
  table <- as_flip_table(x, if (is.null(schema) && !is.null(plan)) plan$schema else schema, "x", group)
  if (is.null(plan)) plan <- flip_plan(table$schema, ...)
  if (!is.null(checkpoint)) checkpoint <- one_path(checkpoint, "checkpoint")
  one_logical(resume, "resume")
  reporter <- reporter_of(progress)
  trainer <- begin(plan, table, checkpoint, resume)
  finished <- FALSE
  on.exit({
    reporter$close()
    if (!finished && !is.null(checkpoint)) suspendInterrupts(save_or_warn(trainer, checkpoint))
    .Call("r_free", trainer, PACKAGE = "libflip")
  })
  saved <- proc.time()[["elapsed"]]
  stage <- 1L
  repeat {
    state <- check(.Call("r_trainer_step", trainer, 0.1, PACKAGE = "libflip"))
    if (!is.null(reporter$update)) reporter$update(state)
    if (state$done) break
    # A stage that has ended may hold the whole spending: it is written before the next slice.
    if (!is.null(checkpoint) && (state$stage != stage || proc.time()[["elapsed"]] - saved > 30)) {
      save_checkpoint(trainer, checkpoint)
      stage <- state$stage
      saved <- proc.time()[["elapsed"]]
    }
  }
  model <- new_model(check(.Call("r_trainer_finish", trainer, PACKAGE = "libflip")))
  finished <- TRUE
  model
}

# A trainer: a new one, bound to the checkpoint before its first release, so that a crash loses steps and never their
# charge; or the one that is in the file, if it was begun with the same plan.
begin <- function(plan, table, checkpoint, resume) {
  link <- if (!is.null(checkpoint)) Sys.readlink(checkpoint)
  there <- !is.null(checkpoint) && (file.exists(checkpoint) || !is.na(link) && nzchar(link))
  if (there && !resume) {
    refuse("state", checkpoint, ": exists; pass resume = TRUE to continue it, or delete it: its charges would be lost")
  }
  if (there) {
    trainer <- check(.Call("r_trainer_resume", checkpoint, pointer(table),
        if (!is.null(plan$budget)) pointer(plan$budget), PACKAGE = "libflip"))
    begun <- check(.Call("r_trainer_plan", trainer, PACKAGE = "libflip"))
    if (begun != plan$json) {
      refuse("state", checkpoint, ": was begun with another plan; use that one, or begin anew with another file")
    }
    return(trainer)
  }
  trainer <- check(.Call("r_trainer_create", pointer(plan), pointer(table), PACKAGE = "libflip"))
  if (!is.null(checkpoint)) save_checkpoint(trainer, checkpoint)
  trainer
}

save_or_warn <- function(trainer, path) {
  tryCatch(save_checkpoint(trainer, path), flip_error = function(e) {
    warning("the checkpoint was not written: ", conditionMessage(e), call. = FALSE)
  })
}

save_checkpoint <- function(trainer, path) check(.Call("r_trainer_checkpoint", trainer, path, PACKAGE = "libflip"))
