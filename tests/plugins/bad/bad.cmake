# Small plugins that the loader must load or refuse, and that the import check must see through.
find_program(PYTHON3 python3 REQUIRED)
file(GLOB bad_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/plugins/bad/*.c)
set(bad_targets)
foreach(source ${bad_sources})
    get_filename_component(name ${source} NAME_WE)
    add_library(bad_${name} MODULE ${source})
    target_include_directories(bad_${name} PRIVATE ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(bad_${name} PRIVATE PkgConfig::JANSSON)
    target_link_options(bad_${name} PRIVATE -Wl,-z,lazy) # the loader must bind what the linker was told to leave
    set_target_properties(bad_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${name}
                          LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/plugins)
    list(APPEND bad_targets bad_${name})
endforeach()
add_dependencies(test_loader ${bad_targets})

# The import check, and that it sees what it is there to see. What a sanitizer adds cannot be judged.
if(NOT SB_SANITIZE AND NOT SB_TSAN AND NOT SB_FUZZ AND NOT SB_COVERAGE)
    set(check_imports ${PYTHON3} ${CMAKE_SOURCE_DIR}/tools/check_imports.py)
    add_test(NAME imports_of_plugins COMMAND ${check_imports} ${CMAKE_BINARY_DIR}/plugins)
    add_test(NAME imports_of_a_good_plugin COMMAND ${check_imports} $<TARGET_FILE:bad_good>)
    foreach(sight "opens_files;imports 'open(64)?'" "opens_files;imports 'getenv'" "keeps_state;imports 'json_load_file'"
                  "keeps_state;exports 'keeps_state_calls'" "keeps_state;has the variable 'calls'"
                  "no_symbol;exports no 'switchboard_plugin'" "unresolved;imports 'sb_function_of_the_future'")
        list(GET sight 0 plugin)
        list(GET sight 1 complaint)
        string(MAKE_C_IDENTIFIER "${complaint}" word)
        add_test(NAME imports_of_${plugin}_${word} COMMAND ${check_imports} $<TARGET_FILE:bad_${plugin}>)
        set_tests_properties(imports_of_${plugin}_${word} PROPERTIES PASS_REGULAR_EXPRESSION "${complaint}")
    endforeach()
endif()

add_test(NAME third_party_plugin COMMAND ${plugin_tests}/third_party.sh ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR})
set_tests_properties(third_party_plugin PROPERTIES TIMEOUT 120 LABELS plugin)
