# Runs the tests of this folder against the package that R CMD check installed (R_LIBS), and counts them.
library(testthat)

results <- as.data.frame(test_dir(file.path(Sys.getenv("FLIP_ROOT"), "Tests", "R"), reporter = "summary",
    stop_on_failure = FALSE))
bad <- results$failed > 0 | results$error
skipped <- results$skipped & !bad
cat(sprintf("tests: %d passed, %d failed, %d skipped\n", sum(!bad & !skipped), sum(bad), sum(skipped)))
