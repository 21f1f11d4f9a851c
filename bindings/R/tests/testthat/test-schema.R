test_that("a schema is made from fields, a list, text and a file, and they agree", {
  text <- as.character(small_schema)
  path <- tempfile(fileext = ".json")
  writeLines(text, path, useBytes = TRUE)
  expect_identical(as.character(flip_schema(text)), text)
  expect_identical(as.character(flip_schema(path)), text)
  expect_identical(as.character(flip_schema(as.list(small_schema))), text)
  expect_identical(flip_schema(small_schema), small_schema)
})

test_that("one level, one missing text and one field stay lists", {
  schema <- flip_schema(flip_field("x", "string", enum = "only"), missing_values = "NA")
  expect_match(as.character(schema), '"enum":["only"]', fixed = TRUE)
  expect_match(as.character(schema), '"missingValues":["NA"]', fixed = TRUE)
})

test_that("what is wrong is a condition with the code of flip.h", {
  e <- tryCatch(flip_schema("{\"fields\": 3}"), error = identity)
  expect_s3_class(e, c("flip_error_schema", "flip_error", "error", "condition"), exact = TRUE)
  expect_identical(e$code, 3L)
  expect_identical(e$name, "FLIP_E_SCHEMA")
  expect_error(flip_schema(flip_field("x", "string")), class = "flip_error_schema")
  expect_error(flip_schema(flip_field("x", "number", minimum = 2, maximum = 1)), "x", class = "flip_error_schema")
  expect_error(flip_schema(flip_field("x", "integer", minimum = -Inf, maximum = 1)), class = "flip_error_arg")
  expect_error(flip_schema(tempfile()), class = "flip_error_io")
  expect_error(flip_schema(3), class = "flip_error_arg")
  expect_error(flip_field("x", "number", minium = 0), class = "flip_error_arg")
})

test_that("numbers cross exactly", {
  schema <- flip_schema(flip_field("x", "number", minimum = 0.1, maximum = 0.1 + 0.2),
      flip_field("n", "integer", minimum = -2^53, maximum = 2^53))
  bounds <- as.list(schema)$fields[[1]]$constraints
  expect_identical(bounds$maximum, 0.1 + 0.2)
  expect_match(as.character(schema), "\"minimum\":0.1,", fixed = TRUE)
  expect_match(as.character(schema), "-9007199254740992,\"maximum\":9007199254740992", fixed = TRUE)
})

test_that("print, format and summary show the domain", {
  expect_match(format(small_schema), "10 fields: age, sex")
  expect_output(print(small_schema), "18 to 90")
  shown <- summary(small_schema)
  expect_identical(shown$name, names(frame))
  expect_identical(shown$required, names(frame) %in% c("age", "sex"))
  expect_identical(shown$domain[c(5, 8)], c("0 to 1000 by 0.5", "3, 5, 9"))
})

test_that("JSON is exact and escaped", {
  json <- libflip:::to_json
  expect_identical(json(list(a = 0.1, b = 1e15, c = TRUE, d = NULL, e = NA, f = c(1, 2.5), g = I("x"), h = list())),
                   '{"a":0.1,"b":1000000000000000,"c":true,"d":null,"e":null,"f":[1,2.5],"g":["x"],"h":[]}')
  for (x in c(0.1 + 0.2, pi, 1e-300, 2^53, 1 / 3, 123456789.123456789)) {
    expect_identical(jsonlite::fromJSON(paste0("[", json(x), "]")), x)
  }
  text <- "quote \" back \\ tab \t newline \n \u00e9"
  expect_identical(jsonlite::fromJSON(paste0("[", json(text), "]")), text)
  expect_identical(json(c(minimum = 1, maximum = 2)), '{"minimum":1,"maximum":2}')
  expect_identical(json(as.POSIXct(0.1, origin = "1970-01-01")), '"1970-01-01T00:00:00.100000Z"')
  expect_identical(json(as.POSIXct(-0.25, origin = "1970-01-01")), '"1969-12-31T23:59:59.750000Z"')
  expect_error(json(Inf), class = "flip_error_arg")
  expect_error(json(1i), class = "flip_error_arg")
})

test_that("missing values of a field come before those of the schema, and a level is none", {
  text <- paste0('{"fields": [{"name": "a", "type": "integer", "constraints": {"minimum": 0, "maximum": 9},',
      '"missingValues": [{"value": "-9", "label": "refused"}, {"value": ""}]},',
      '{"name": "b", "type": "string", "constraints": {"enum": ["x", "-8"]}}, {"name": "c", "type": "boolean"}],',
      '"missingValues": [{"value": ""}, {"value": "-8", "label": "refused"}]}')
  schema <- structure(list(json = text), class = "flip_schema")
  expect_identical(libflip:::missing_texts_of(schema), list("", "", ""))
  expect_identical(unname(libflip:::reasons_of(schema)), list("-9", character(), "-8"))
  expect_identical(libflip:::missing_texts_of(small_schema)[[1]], c("", "NA"))
})

test_that("values that are no text are checked without the text format of their field", {
  text <- paste0('{"fields": [{"name": "x", "type": "number", "constraints": {"minimum": 0, "maximum": 9},',
      '"decimalChar": ","}]}')
  written <- structure(list(json = text), class = "flip_schema")
  plain <- libflip:::without_format(written)
  expect_null(as.list(plain)$fields[[1]]$decimalChar)
  expect_identical(as.list(plain)$fields[[1]]$constraints, list(minimum = 0L, maximum = 9L))
  expect_identical(libflip:::without_format(small_schema), small_schema)
})
