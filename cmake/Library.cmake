# postglass_library(NAME [DEPS other-folders...] [LIBS imported-targets...] [PRIVATE_LIBS ...]
#                   [BATCHES [APART sources...]])
#
# BATCHES [APART ...]: compile_in_batches(), below.
#
# Declares the static library of one folder: every *.cc beside the CMakeLists.txt, headers checked
# to be self-contained, and every *_test.cc in one test program NAME_test. *_testing.cc / *_testing.h
# hold fakes for other folders' tests and form the library NAME_testing.
add_library(postglass_options INTERFACE)
target_include_directories(postglass_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_options(postglass_options INTERFACE
  -Wall -Wextra -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wold-style-cast -Wimplicit-fallthrough
  # In batches, what one file has unnamed would be shadowed by another.
  $<$<NOT:$<BOOL:${POSTGLASS_UNITY}>>:-Wshadow>
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${POSTGLASS_WERROR}>:-Werror>)
target_compile_definitions(postglass_options INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE
  $<$<NOT:$<CONFIG:Release,RelWithDebInfo>>:_GLIBCXX_ASSERTIONS>)
target_link_libraries(postglass_options INTERFACE Threads::Threads fmt::fmt)
if(POSTGLASS_SANITIZE)
  add_compile_options(-fsanitize=${POSTGLASS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${POSTGLASS_SANITIZE})
  if(POSTGLASS_SANITIZE MATCHES undefined AND CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    # Its mark in front of functions cannot be written for the parts of a coroutine (clang 14:
    # "Cannot represent a difference across sections").
    add_compile_options(-fno-sanitize=function)
  endif()
  if(POSTGLASS_SANITIZE MATCHES thread)
    # Asio's fences are not understood by TSan; it falls back to atomics without them.
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
  endif()
endif()

# compile_in_batches(TARGET [sources...])
#
# With POSTGLASS_UNITY the sources of TARGET are compiled eight at a time, so that the headers they
# share are read once. Names in their unnamed namespaces then meet: sources of which one has a name
# of another are listed and compiled alone.
function(compile_in_batches target)
  if(POSTGLASS_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    # To g++ a batch looks like a header, where using unnamed types would be wrong.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
    set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

function(postglass_library name)
  cmake_parse_arguments(arg "BATCHES" "" "DEPS;LIBS;PRIVATE_LIBS;APART" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  file(GLOB headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.h")
  file(GLOB tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc")
  file(GLOB testing CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*_testing.cc")
  if(tests)
    list(REMOVE_ITEM sources ${tests})
  endif()
  if(testing)
    list(REMOVE_ITEM sources ${testing})
  endif()
  list(TRANSFORM arg_DEPS PREPEND postglass_ OUTPUT_VARIABLE deps)

  if(sources)
    add_library(postglass_${name} STATIC ${sources})
    set(kind PUBLIC)
    set_target_properties(postglass_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
    target_sources(postglass_${name} PUBLIC FILE_SET HEADERS BASE_DIRS "${CMAKE_SOURCE_DIR}/src"
                   FILES ${headers})
    target_link_libraries(postglass_${name} PRIVATE ${arg_PRIVATE_LIBS})
    if(arg_BATCHES)
      compile_in_batches(postglass_${name} ${arg_APART})
    endif()
  else()
    add_library(postglass_${name} INTERFACE)
    set(kind INTERFACE)
  endif()
  target_link_libraries(postglass_${name} ${kind} postglass_options ${deps} ${arg_LIBS})

  if(testing)
    add_library(postglass_${name}_testing STATIC ${testing})
    target_link_libraries(postglass_${name}_testing PUBLIC postglass_${name})
  endif()
  if(POSTGLASS_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE postglass_${name} GTest::gmock GTest::gtest_main)
    # Fakes of this folder and of those it depends on.
    foreach(folder ${name} ${arg_DEPS})
      target_link_libraries(${name}_test PRIVATE
        "$<TARGET_NAME_IF_EXISTS:postglass_${folder}_testing>")
    endforeach()
    # To those that read files of the tree only: ccache then knows the others in every clone.
    foreach(test ${tests})
      file(STRINGS ${test} reads_tree REGEX POSTGLASS_SOURCE_DIR LIMIT_COUNT 1)
      if(reads_tree)
        set_property(SOURCE ${test} APPEND PROPERTY COMPILE_DEFINITIONS
                     POSTGLASS_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
      endif()
    endforeach()
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES TIMEOUT 1800)
  endif()
endfunction()
