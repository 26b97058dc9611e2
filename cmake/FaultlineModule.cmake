# One Swift module is one static library with whole-module optimisation; its name is the target's.

set(CMAKE_Swift_MODULE_DIRECTORY ${CMAKE_BINARY_DIR}/modules)

# package_module(NAME FROM directory [DEPENDS target...]): a module of a package; its warnings are not ours.
function(package_module name)
  cmake_parse_arguments(PARSE_ARGV 1 module "" FROM DEPENDS)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${module_FROM}/*.swift)
  add_library(${name} STATIC ${sources})
  swift_settings(${name} "${module_DEPENDS}")
  target_compile_options(${name} PRIVATE -suppress-warnings)
endfunction()

# faultline_module(NAME [HOT] [DEPENDS target...]): a module of this repository.
# HOT: its inner loops run over raw pointers, so release builds have no overflow checks.
function(faultline_module name)
  cmake_parse_arguments(PARSE_ARGV 1 module HOT "" DEPENDS)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/Sources/${name}/*.swift)
  add_library(${name} STATIC ${sources})
  swift_settings(${name} "${module_DEPENDS}")
  faultline_settings(${name})
  if(module_HOT)
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-Ounchecked>)
  endif()
endfunction()

# faultline_program(NAME [DEPENDS target...]): an executable that carries the Swift runtime.
function(faultline_program name)
  cmake_parse_arguments(PARSE_ARGV 1 program "" "" DEPENDS)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/Sources/${name}/*.swift)
  add_executable(${name} ${sources})
  swift_settings(${name} "${program_DEPENDS}")
  faultline_settings(${name})
  target_compile_options(${name} PRIVATE -parse-as-library)
  # lld does not mind the order of the archives.
  target_link_options(${name} PRIVATE -static-stdlib -use-ld=lld "SHELL:-Xlinker --gc-sections")
endfunction()

# faultline_system_module(NAME [target]): a C library (or headers alone) seen through Sources/NAME/module.modulemap.
function(faultline_system_module name)
  add_library(${name} INTERFACE)
  target_include_directories(${name} INTERFACE ${CMAKE_CURRENT_SOURCE_DIR}/Sources/${name})
  target_link_libraries(${name} INTERFACE ${ARGN})
endfunction()

function(swift_settings name dependencies)
  target_compile_options(${name} PRIVATE -wmo -static-stdlib)
  target_include_directories(${name} PUBLIC ${CMAKE_Swift_MODULE_DIRECTORY})
  target_link_libraries(${name} PUBLIC ${dependencies})
endfunction()

function(faultline_settings name)
  target_compile_options(${name} PRIVATE
    "SHELL:-swift-version 6" "SHELL:-package-name faultline" "SHELL:-Xcc -march=${FAULTLINE_MARCH}")
  if(FAULTLINE_LANES)
    target_compile_options(${name} PRIVATE "SHELL:-Xcc -DFAULTLINE_LANES=${FAULTLINE_LANES}")
  endif()
endfunction()
