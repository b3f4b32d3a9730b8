# Room ops: the built-in operators, called through plugin/call.h as a script calls them.
foreach(family pixels upsample maps masks legend_picture shapes edits tensors measures)
  lab_test(ops_${family} unit
    SOURCES test_ops_${family}.c ops_fixture.c picture_bytes.c LINK lab_ops ZLIB::ZLIB)
endforeach()
