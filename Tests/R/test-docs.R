# The code of docs/R.md, block after block in one session, and the example: both must run as they stand.

root <- Sys.getenv("FLIP_ROOT")

rscript <- function(file, ...) {
  said <- suppressWarnings(system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", shQuote(file), ...),
      stdout = TRUE, stderr = TRUE))
  list(text = paste(said, collapse = "\n"), failed = !is.null(attr(said, "status")))
}

test_that("every block of docs/R.md runs, and the README's too", {
  lines <- readLines(file.path(root, "docs", "R.md"), encoding = "UTF-8")
  inside <- cumsum(lines == "```r") - cumsum(lines == "```" & cumsum(lines == "```r") > 0)
  code <- lines[inside == 1 & lines != "```r"]
  expect_gt(length(code), 60)
  page <- readLines(file.path(root, "README.md"), encoding = "UTF-8")
  begin <- which(page == "```r")
  expect_length(begin, 1)
  short <- page[seq(begin + 1, begin + which(page[-seq_len(begin)] == "```")[1] - 1)]
  # preset published, which takes seconds and not minutes
  short <- sub("epsilon = 2, delta = 1e-5)", "epsilon = 2, delta = 1e-5, preset = 'published')", short, fixed = TRUE)
  folder <- tempfile()
  dir.create(folder)
  script <- file.path(folder, "blocks.R")
  # The README's columns are those of the simulated hospital; a few of them serve.
  before <- c("schema <- flip_schema(flip_field('ethnicity', 'string', enum = c('Asian', 'Black', 'Other')),",
              "                      flip_field('age', 'integer', minimum = 18, maximum = 100))",
              "writeLines(as.character(schema), 'admissions.schema.json')",
              "admissions <- data.frame(ethnicity = sample(c('Asian', 'Black', 'Other'), 3000, TRUE),",
              "                         age = sample(18:100, 3000, TRUE))")
  writeLines(c(sprintf("setwd(%s)", deparse(folder)), code, "cat('blocks of the page ran\\n')", before, short,
      "cat('blocks of the README ran\\n')"), script, useBytes = TRUE)
  ran <- rscript(script)
  expect_false(ran$failed, info = ran$text)
  expect_match(ran$text, "blocks of the page ran")
  expect_match(ran$text, "blocks of the README ran")
  expect_match(ran$text, "age", fixed = TRUE)
  expect_match(ran$text, "enough: epsilon", fixed = TRUE)
})

test_that("a data frame becomes a page and three answers", {
  folder <- tempfile()
  ran <- rscript(file.path(root, "examples", "R", "publish.R"), "--out", shQuote(folder), "--rows", "2000")
  expect_false(ran$failed, info = ran$text)
  expect_match(ran$text, "95 % intervals", fixed = TRUE)
  expect_match(ran$text, "wardlung", fixed = TRUE)
  expect_true(file.exists(file.path(folder, "report.html")))
})

test_that("a data frame becomes a fairness table", {
  folder <- tempfile()
  ran <- rscript(file.path(root, "examples", "R", "fairness.R"), "--out", shQuote(folder), "--rows", "3000", "--preset",
      "published")
  expect_false(ran$failed, info = ran$text)
  expect_match(ran$text, "The fairness table (NOT PRIVATE)", fixed = TRUE)
  table <- utils::read.csv(file.path(folder, "fairness.csv"))
  expect_identical(table$column[1], "follow_up")
  expect_identical(nrow(table), 6L)
  expect_true(all(table$dpd >= 0 & table$dpd <= 1 & table$auc > 0.3 & table$auc <= 1))
  rows <- utils::read.csv(file.path(folder, "synthetic.csv"))
  expect_identical(nrow(rows), 3000L)
  expect_true(all(rows$age >= 18 & rows$age <= 95))
  expect_identical(libflip::flip_file_check(file.path(folder, "model.flip.h5"))$kind, "flip-model")
})
