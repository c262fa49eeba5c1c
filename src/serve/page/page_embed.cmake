# Writes the files of the page as C:
#   cmake -DOUTPUT=FILE.c "-DNAMES=/;/a.js" "-DFILES=index.html;a.js" -P page_embed.cmake
# NAMES are the paths in the address, FILES what is found there.
set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

set(arrays "")
set(routes "")
foreach(name file IN ZIP_LISTS NAMES FILES)
  string(MAKE_C_IDENTIFIER "file${name}" id)
  get_filename_component(suffix ${file} LAST_EXT)
  string(SUBSTRING ${suffix} 1 -1 suffix)
  if(NOT DEFINED type_${suffix})
    message(FATAL_ERROR "no Content-Type for ${file}")
  endif()
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND arrays "static const unsigned char ${id}_bytes[] = {\n${bytes}};\n"
    "static struct page_file ${id} = {\"${type_${suffix}}\", ${id}_bytes, sizeof ${id}_bytes};\n\n")
  string(APPEND routes
    "    {.path = \"${name}\", .handler = page_send, .context = &${id}, .open = true},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"page_files.h\"\n\n${arrays}"
  "const struct http_route page_files_routes[] = {\n${routes}    {.handler = NULL},\n};\n")
