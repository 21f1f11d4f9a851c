test_that("the library tells what it is", {
  info <- flip_build_info()
  expect_match(info$version, "^1\\.")
  expect_match(info$path, "libflip.so")
  keys <- flip_config("plan")
  expect_true(all(c("epsilon", "autoencoder.steps") %in% keys$key))
  expect_identical(names(keys), c("key", "default", "range", "unit", "help"))
  expect_gt(nrow(flip_config("evaluate")), 3)
  expect_error(flip_config("everything"), class = "flip_error_arg")
  path <- tempfile()
  writeLines("nothing", path)
  expect_false(flip_file_check(path)$usable)
  expect_error(flip_file_check(tempfile()), class = "flip_error_io")
})

test_that("every code of flip.h has a class", {
  for (code in 1:13) {
    e <- tryCatch(libflip:::refuse(code, "said"), error = identity)
    expect_identical(class(e)[-1], c("flip_error", "error", "condition"))
    expect_match(e$name, "^FLIP_E_")
  }
  expect_identical(toupper(paste0("FLIP_E_", libflip:::codes)),
      vapply(1:13, function(code) .Call("r_status_name", code, PACKAGE = "libflip"), ""))
  e <- tryCatch(libflip:::refuse(99, "said"), flip_error = identity)
  expect_identical(class(e), c("flip_error", "error", "condition"))
})

test_that("versions that do not fit are told with path and both numbers", {
  problem <- libflip:::version_problem
  expect_null(problem(1000000, 1000000, "/x/libflip.so", "1.0.0"))
  expect_null(problem(1002003, 1002000, "/x/libflip.so", "1.2.0"))
  expect_null(problem(1003000, 1002000, "/x/libflip.so", "1.2.0"))
  for (loaded in c(2000000, 1001009, 999999)) {
    said <- problem(loaded, 1002000, "/x/libflip.so", "1.2.0")
    expect_match(said, "/x/libflip.so", fixed = TRUE)
    expect_match(said, libflip:::dotted(loaded), fixed = TRUE)
    expect_match(said, "1.2.0", fixed = TRUE)
  }
})

test_that("a library of another version is refused when the package is loaded", {
  compiler <- Sys.which("cc")
  skip_if(!nzchar(compiler), "no C compiler")
  skip_on_os(c("windows", "mac"))
  folder <- tempfile()
  dir.create(folder)
  source <- file.path(folder, "other.c")
  frees <- paste0("void flip_", c("schema", "table", "plan", "trainer", "model", "buffer"),
      "_free(void *x) { (void)x; }")
  writeLines(c("unsigned flip_version(void) { return 2001003; }", frees), source)     # all other functions are absent
  expect_identical(system2(compiler,
      c("-shared", "-fPIC", "-Wl,-soname,libflip.so.1", "-o", shQuote(file.path(folder, "libflip.so.1")),
      shQuote(source))), 0L)
  said <- paste(run_r("cat('loaded')", env = paste0("LD_LIBRARY_PATH=", folder)), collapse = " ")
  expect_match(said, file.path(folder, "libflip.so.1"), fixed = TRUE)
  expect_match(said, "2.1.3", fixed = TRUE)
  expect_match(said, as.character(utils::packageVersion("libflip")), fixed = TRUE)
})
