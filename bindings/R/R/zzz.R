# Loading the shared object and comparing its version with the library's.
# Symbols are bound late: a libflip that lacks a function is refused by the message below, not by the linker.

.onLoad <- function(libname, pkgname) {
  library.dynam("libflip", pkgname, libname, now = FALSE)
  found <- .Call("r_version", PACKAGE = "libflip")
  problem <- version_problem(found[[1]], found[[2]], found[[3]], utils::packageVersion(pkgname, libname))
  if (!is.null(problem)) stop(problem, call. = FALSE)
}

.onUnload <- function(libpath) {
  gc()                                            # finalisers are code of the shared object
  library.dynam.unload("libflip", libpath)
}

# NULL when the library is of the package's major version and not older than the header the package was compiled with.
version_problem <- function(loaded, compiled, path, package) {
  if (loaded %/% 1e6 == compiled %/% 1e6 && loaded %/% 1e3 >= compiled %/% 1e3) return(NULL)
  sprintf(paste("%s is version %s; package libflip %s was compiled for %s. Install the package again with the library",
      "it shall use (FLIP_LIB_DIR=... R CMD INSTALL), or look which one is found first (LD_LIBRARY_PATH)."),
      path, dotted(loaded), package, dotted(compiled))
}

dotted <- function(version) sprintf("%.0f.%.0f.%.0f", version %/% 1e6, version %/% 1e3 %% 1e3, version %% 1e3)
