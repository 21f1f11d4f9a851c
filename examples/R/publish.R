#!/usr/bin/env Rscript
# From a data frame to a page and three answers: what may be published of a private table.
#
#     Rscript examples/R/publish.R             needs the R package (R CMD INSTALL bindings/R)
#                                              writes into build/demo-r, or --out DIR
#
# The rows are simulated: nobody in them exists.
suppressPackageStartupMessages(library(libflip))

options <- commandArgs(trailingOnly = TRUE)
value <- function(name, default) if (name %in% options) options[match(name, options) + 1] else default
out <- value("--out", file.path("build", "demo-r"))
rows <- as.integer(value("--rows", "4000"))
dir.create(out, recursive = TRUE, showWarnings = FALSE)

schema <- flip_schema(
  flip_field("ward", "string", enum = c("heart", "lung", "skin"), required = TRUE),
  flip_field("age", "integer", minimum = 18, maximum = 95, required = TRUE),
  flip_field("returned", "boolean", required = TRUE))
set.seed(1)
ward <- sample(c("heart", "lung", "skin"), rows, TRUE, c(0.5, 0.3, 0.2))
age <- pmin(95, pmax(18, round(rnorm(rows, ifelse(ward == "heart", 66, 55), 14))))
admissions <- data.frame(ward = ward, age = age, returned = runif(rows) < plogis(-3 + 0.03 * age))

# The networks learn for a moment only: the answers come from the released counts, not from generated rows.
model <- flip_train(admissions, schema = schema, epsilon = 2, delta = 1e-5,
    config = list(autoencoder = list(steps = 20), diffusion = list(steps = 20), rake = list(pool = 2000),
                  projection = list(steps = 100)))

# 1. A page for anybody: made from the model file alone.
cat("page:", flip_report(model, file.path(out, "report.html"), title = "Simulated admissions"), "\n\n")

# 2. Three answers with intervals that hold the error of the sample and the noise of the guarantee.
print(flip_estimate(model, "mean", "age", by = "ward", contrast = "difference"))
print(flip_estimate(model, "share", "returned", by = "ward"))
print(flip_estimate(model, "logistic", "returned", predictors = c("age", "ward")))

# 3. An analysis of one's own: on several tables, put together by the rule for synthetic data.
tables <- flip_sample_many(model, m = 5, n = rows, seed = 1)
print(flip_combine(lapply(tables$imputations, function(d) lm(age ~ ward, d))))
