# Small plugins that the loader must load or refuse, and that the import check must see through.
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
