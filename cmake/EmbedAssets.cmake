# embed_assets(TARGET FOLDER): puts every file of FOLDER (as built, with its .gz beside it) into the
# library TARGET: one .incbin each, and a table for api/assets.h. A folder that is not there gives an
# empty table: the page then says that the console was not built.
function(embed_assets target folder)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE "${folder}" "${folder}/*")
  list(FILTER files EXCLUDE REGEX "\\.gz$")
  set(assembly ".section .note.GNU-stack,\"\",@progbits\n.section .rodata\n")
  set(externs "")
  set(rows "")
  set(index 0)
  set(inputs "")
  foreach(file ${files})
    file(MD5 "${folder}/${file}" hash)
    set(variants "${folder}/${file}")
    if(EXISTS "${folder}/${file}.gz")
      list(APPEND variants "${folder}/${file}.gz")
    endif()
    set(spans "")
    foreach(variant ${variants})
      string(APPEND assembly
        ".balign 16\n.global postglass_asset_${index}\npostglass_asset_${index}:\n"
        ".incbin \"${variant}\"\n.global postglass_asset_${index}_end\npostglass_asset_${index}_end:\n")
      string(APPEND externs
        "extern const char postglass_asset_${index}[];\nextern const char postglass_asset_${index}_end[];\n")
      string(APPEND spans
        ", {postglass_asset_${index}, static_cast<std::size_t>(postglass_asset_${index}_end - postglass_asset_${index})}")
      math(EXPR index "${index} + 1")
      list(APPEND inputs "${variant}")
    endforeach()
    list(LENGTH variants count)
    if(count EQUAL 1)
      string(APPEND spans ", {}")
    endif()
    string(APPEND rows "      {\"/${file}\", \"\\\"${hash}\\\"\"${spans}},\n")
  endforeach()
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/assets")
  file(CONFIGURE OUTPUT "${generated}/assets.S" CONTENT "@assembly@" @ONLY)
  file(CONFIGURE OUTPUT "${generated}/assets_table.cc" CONTENT
"// Generated from the built console.
#include \"api/assets.h\"

extern \"C\" {
@externs@}

namespace postglass::api {

std::vector<Asset> EmbeddedAssets() {
  return {
@rows@  };
}

}  // namespace postglass::api
" @ONLY)
  set_source_files_properties("${generated}/assets.S" PROPERTIES OBJECT_DEPENDS "${inputs}")
  target_sources(${target} PRIVATE "${generated}/assets.S" "${generated}/assets_table.cc")
endfunction()
