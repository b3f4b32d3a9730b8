# Room image.
lab_test(image_decode unit SOURCES test_image_decode.c picture_bytes.c LINK lab_image ZLIB::ZLIB)
lab_test(image_hostile unit SOURCES test_image_hostile.c picture_bytes.c LINK lab_image ZLIB::ZLIB)
lab_test(image_encode unit SOURCES test_image_encode.c picture_bytes.c LINK lab_image ZLIB::ZLIB)
lab_test(image_resize unit SOURCES test_image_resize.c picture_bytes.c LINK lab_image ZLIB::ZLIB)
