library(testthat)
library(libflip)

results <- as.data.frame(test_check("libflip", stop_on_failure = FALSE))
bad <- results$failed > 0 | results$error
skipped <- results$skipped & !bad
cat(sprintf("tests: %d passed, %d failed, %d skipped\n", sum(!bad & !skipped), sum(bad), sum(skipped)))
if (any(bad) || nrow(results) == 0) stop("tests failed: ", paste(results$test[bad], collapse = "; "))
