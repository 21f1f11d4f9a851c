# How the package finds the library it is compiled for.

root <- Sys.getenv("FLIP_ROOT")

# Runs configure in a copy of the package at `place` under a folder of its own. A list: said (what it printed), failed,
# makevars (the lines it wrote).
configure <- function(place = "package", ...) {
  folder <- tempfile()
  package <- file.path(folder, place)
  dir.create(file.path(package, "src"), recursive = TRUE)
  file.copy(file.path(root, "bindings", "R", "configure"), package)
  file.copy(file.path(root, "bindings", "R", "src", "Makevars.in"), file.path(package, "src"))
  names <- c("FLIP_LIB_DIR", "FLIP_INCLUDE_DIR", "PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR")
  kept <- Sys.getenv(names, NA)
  on.exit({
    Sys.unsetenv(names)
    if (any(!is.na(kept))) do.call(Sys.setenv, as.list(kept[!is.na(kept)]))
  })
  Sys.unsetenv(names)
  Sys.setenv(PKG_CONFIG_LIBDIR = folder)          # an installed libflip plays no part
  if (...length() > 0) Sys.setenv(...)
  said <- suppressWarnings(system(paste("cd", shQuote(package), "&& sh configure 2>&1"), intern = TRUE))
  made <- file.path(package, "src", "Makevars")
  list(said = paste(said, collapse = "\n"), failed = !is.null(attr(said, "status")),
      makevars = if (file.exists(made)) readLines(made))
}

test_that("FLIP_LIB_DIR comes first, and a wrong one is no reason to look elsewhere", {
  lib <- file.path(root, "build", "lib")
  found <- configure(FLIP_LIB_DIR = lib)
  expect_false(found$failed)
  expect_match(found$makevars[2], paste0("-L\"", lib, "\" -Wl,-rpath,\"", lib, "\" -lflip"), fixed = TRUE)
  expect_match(found$makevars[1], file.path(root, "build", "include"), fixed = TRUE)
  wrong <- configure(FLIP_LIB_DIR = tempdir(), PKG_CONFIG_PATH = file.path(lib, "pkgconfig"))
  expect_true(wrong$failed)
  expect_match(wrong$said, "there is no libflip.so")
})

test_that("pkg-config is asked when nothing else is there", {
  skip_if(!nzchar(Sys.which("pkg-config")), "no pkg-config")
  found <- configure(PKG_CONFIG_PATH = file.path(root, "build", "lib", "pkgconfig"))
  expect_false(found$failed)
  expect_match(found$makevars[2], file.path(root, "build", "lib"), fixed = TRUE)
})

test_that("without a library it stops and says what helps", {
  none <- configure()
  expect_true(none$failed)
  expect_match(none$said, "make build")
  expect_match(none$said, "FLIP_LIB_DIR")
  expect_null(none$makevars)
})

test_that("a library without its header is told, and FLIP_INCLUDE_DIR helps", {
  lib <- tempfile()
  dir.create(lib)
  file.create(file.path(lib, "libflip.so"))
  bare <- configure(FLIP_LIB_DIR = lib)
  expect_true(bare$failed)
  expect_match(bare$said, "FLIP_INCLUDE_DIR")
  expect_false(configure(FLIP_LIB_DIR = lib, FLIP_INCLUDE_DIR = file.path(root, "include"))$failed)
})
