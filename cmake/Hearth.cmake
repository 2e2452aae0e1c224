# hearth_library, hearth_program, hearth_test, hearth_fuzzer: the only ways a target of ours is made,
# so that flags, include roots and test names are the same everywhere.

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(PkgConfig REQUIRED)

add_library(hearth_flags INTERFACE)
target_include_directories(hearth_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(hearth_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion
  -Wno-sign-conversion -Wno-missing-field-initializers -Wimplicit-fallthrough -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(hearth_flags INTERFACE -Wthread-safety)
endif()
if(HEARTH_SANITIZE)
  target_compile_options(hearth_flags INTERFACE -fsanitize=${HEARTH_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(hearth_flags INTERFACE -fsanitize=${HEARTH_SANITIZE})
  if(HEARTH_SANITIZE MATCHES "thread")
    # ThreadSanitizer does not understand Boost.Asio's fences; the locks of its queues, which it does, suffice.
    target_compile_definitions(hearth_flags INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()
if(HEARTH_FUZZ)
  target_compile_options(hearth_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_link_libraries(hearth_flags INTERFACE fmt::fmt Threads::Threads)

# hearth_unity(TARGET): with HEARTH_UNITY its files are compiled a dozen at a time, which takes a third of the
# processor time. So names in anonymous namespaces are unique in a library.
function(hearth_unity target)
  if(HEARTH_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    # GCC knows which anonymous namespaces are of a source file by its not being included. The release says
    # where one is in a header.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# hearth_library(NAME SRCS a.cc … DEPS hearth_base …): a static library of ours. Warnings are errors.
# Which folder may include which is checked by tests/layering, not here.
function(hearth_library name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SRCS})
  target_link_libraries(${name} PUBLIC hearth_flags ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
  hearth_unity(${name})
endfunction()

# hearth_program(NAME SRCS … DEPS …): an executable in build/<preset>/bin.
function(hearth_program name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE hearth_flags ${ARG_DEPS})
  hearth_unity(${name})
endfunction()

# hearth_test_pch(): the target whose precompiled header all tests share; compiled as they are.
function(hearth_test_pch)
  if(NOT TARGET hearth_test_pch)
    file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/gen/test_pch.cc CONTENT "")
    add_library(hearth_test_pch OBJECT ${CMAKE_BINARY_DIR}/gen/test_pch.cc)
    target_link_libraries(hearth_test_pch PRIVATE hearth_flags GTest::gmock GTest::gtest)
    target_compile_options(hearth_test_pch PRIVATE -O0)
    target_precompile_headers(hearth_test_pch PRIVATE
      <algorithm> <array> <chrono> <filesystem> <functional> <map> <memory> <optional> <random> <set> <span>
      <string> <string_view> <thread> <unordered_map> <utility> <vector> <fmt/format.h> <fmt/ranges.h>
      <gmock/gmock.h> <gtest/gtest.h> ${CMAKE_SOURCE_DIR}/src/base/status.h)
  endif()
endfunction()

# hearth_test(FOLDER geofence SRCS … DEPS … [OWN_PCH]): one GoogleTest program per folder; its ctest names
# begin with "<folder>.". OWN_PCH: its precompiled header is the folder's affair.
function(hearth_test)
  cmake_parse_arguments(ARG "OWN_PCH" "FOLDER;TIMEOUT" "SRCS;DEPS;LABELS" ${ARGN})
  find_package(GTest REQUIRED)
  include(GoogleTest)
  string(REPLACE "/" "_" target "${ARG_FOLDER}_test")
  add_executable(${target} ${ARG_SRCS})
  target_link_libraries(${target} PRIVATE hearth_flags ${ARG_DEPS} GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${target} PRIVATE HEARTH_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    HEARTH_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  if(HEARTH_SANITIZE)
    # Half of such a build is the tests' own code; unoptimised that takes a third less, and the libraries,
    # which have the work to do, stay as they are.
    target_compile_options(${target} PRIVATE -O0)
  endif()
  if(HEARTH_SANITIZE AND HEARTH_UNITY AND NOT ARG_OWN_PCH)
    hearth_test_pch()
    target_precompile_headers(${target} REUSE_FROM hearth_test_pch)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  gtest_discover_tests(${target} TEST_PREFIX "${ARG_FOLDER}." DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# hearth_fuzzer(NAME SRCS … DEPS …): with the fuzz preset a libFuzzer program; otherwise the same target
# runs over its corpus (tests/fuzz/corpus/<name>) plus seeded mutations of it as the ctest "fuzz.<name>".
# The target `fuzzers` builds them all.
add_custom_target(fuzzers)
function(hearth_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(fuzz_${name} ${ARG_SRCS})
  add_dependencies(fuzzers fuzz_${name})
  target_link_libraries(fuzz_${name} PRIVATE hearth_flags ${ARG_DEPS})
  if(HEARTH_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/standalone_main.cc)
    add_test(NAME fuzz.${name}
      COMMAND fuzz_${name} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES TIMEOUT 120)
  endif()
endfunction()
