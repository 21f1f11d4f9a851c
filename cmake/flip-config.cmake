# find_package(flip 1 REQUIRED) and target_link_libraries(app PRIVATE flip::flip).
# Lies in PREFIX/lib/cmake/flip and finds PREFIX from there.
get_filename_component(_flip_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
foreach(_flip_file lib/libflip.so.1 include/flip.h)
  if(NOT EXISTS "${_flip_prefix}/${_flip_file}")
    set(flip_FOUND FALSE)
    set(flip_NOT_FOUND_MESSAGE "${_flip_prefix}/${_flip_file} is not there")
    return()
  endif()
endforeach()
if(NOT TARGET flip::flip)
  add_library(flip::flip SHARED IMPORTED)
  set_target_properties(flip::flip PROPERTIES
    IMPORTED_LOCATION "${_flip_prefix}/lib/libflip.so.1"
    IMPORTED_SONAME "libflip.so.1"
    INTERFACE_INCLUDE_DIRECTORIES "${_flip_prefix}/include")
endif()
unset(_flip_prefix)
unset(_flip_file)
