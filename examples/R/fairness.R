#!/usr/bin/env Rscript
# A data frame in, a fairness table out: what a synthetic table does to the groups of the real one.
#
#     Rscript examples/R/fairness.R            needs the R package (R CMD INSTALL bindings/R)
#                                              writes into build/demo-r, or --out DIR
#
# The rows are simulated: nobody in them exists. Two in five follow-ups that need calls for are dropped for group B. A
# faithful generator copies that: differential privacy protects rows, it does not repair what was done to them. The
# table shows how much of it comes through.
suppressPackageStartupMessages(library(libflip))

options <- commandArgs(trailingOnly = TRUE)
value <- function(name, default) if (name %in% options) options[match(name, options) + 1] else default
out <- value("--out", file.path("build", "demo-r"))
rows <- as.integer(value("--rows", "6000"))
preset <- value("--preset", "best")
dir.create(out, recursive = TRUE, showWarnings = FALSE)

# What is public about the table: written by hand, never from the rows.
schema <- flip_schema(
  flip_field("group", "string", enum = c("A", "B"), required = TRUE),
  flip_field("age", "integer", minimum = 18, maximum = 95, required = TRUE),
  flip_field("district", "string", enum = c("centre", "harbour", "hills"), required = TRUE),
  flip_field("severity", "integer", enum = 0:4, required = TRUE),
  flip_field("creatinine", "number", minimum = 0.3, maximum = 15, multiple_of = 0.1),
  flip_field("admitted", "date", minimum = as.Date("2023-01-01"), maximum = as.Date("2024-12-31"), required = TRUE),
  flip_field("follow_up", "boolean", required = TRUE))

simulate <- function(n) {
  group <- ifelse(runif(n) < 0.25, "B", "A")
  age <- pmin(95, pmax(18, round(rnorm(n, 58, 18))))
  severity <- pmin(4, rpois(n, 0.6 + age / 60))
  creatinine <- round(pmin(15, pmax(0.3, exp(rnorm(n, 0.1 * severity, 0.4)))), 1)
  creatinine[runif(n) < 0.1] <- NA
  need <- runif(n) < plogis(-2.5 + 0.9 * severity + 0.01 * age)
  data.frame(
    group = factor(group), age = age,
    district = factor(ifelse(runif(n) < ifelse(group == "B", 0.6, 0.2), "harbour",
                             sample(c("centre", "hills"), n, TRUE))),
    severity = severity, creatinine = creatinine,
    admitted = as.Date("2023-01-01") + sample(0:730, n, TRUE),
    follow_up = need & !(group == "B" & runif(n) < 0.4))
}

set.seed(1)
real <- simulate(rows)
holdout <- simulate(3000)                        # rows the generator never sees

# Made and priced without rows. A guess of the row count spends the budget better; a wrong one costs noise, never
# privacy.
plan <- flip_plan(schema, protected = "group", epsilon = 2, delta = 1e-5, preset = preset,
                  config = list(rows = list(guess = 5000)))
model <- flip_train(real, plan)
synthetic <- flip_sample(model, rows, seed = 1)

cat("The bill\n\n")
print(flip_ledger(model))

# Everything below reads the real rows again: NOT PRIVATE. With a real table you would not show it to anybody who may
# not see the rows.
evaluation <- flip_evaluate(real, synthetic, schema = schema, protected = "group", target = "follow_up",
                            holdout = holdout)

cat("\nThe fairness table (NOT PRIVATE): every column taken as a question,",
    "answered by a classifier that learned from synthetic rows\n\n")
fairness <- as.data.frame(evaluation, part = "tasks")
print(fairness, row.names = FALSE, digits = 3)

share <- function(rows) tapply(rows$follow_up, rows$group, mean)
cat("\nShare with a follow-up (NOT PRIVATE)\n\n")
print(round(rbind(real = share(real), synthetic = share(synthetic)), 3))
parity <- function(rows) unname(share(rows)["B"] / share(rows)["A"])
cat(sprintf("\nratio of B to A: real %.2f, synthetic %.2f; 0.60 was planted at equal need\n", parity(real),
            parity(synthetic)))

utils::write.csv(fairness, file.path(out, "fairness.csv"), row.names = FALSE)
utils::write.csv(synthetic, file.path(out, "synthetic.csv"), row.names = FALSE, na = "")
flip_save(model, file.path(out, "model.flip.h5"))
cat("\nwritten: ", paste(file.path(out, c("fairness.csv", "synthetic.csv", "model.flip.h5")), collapse = ", "), "\n",
    sep = "")
