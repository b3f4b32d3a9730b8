/* The TensorFlow Lite loader. */
#ifndef LAB_FORMATS_TFLITE_H
#define LAB_FORMATS_TFLITE_H

#include "lab_plugin.h"

extern const lab_loader lab_tflite_loader;

#endif
