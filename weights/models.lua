-- The manifest: every model and sample photo that lualab knows by name. Nothing of this is in the
-- repository; a file is looked for, and if need be fetched and checked, when it is first asked for
-- (README.md beside this file). A user's own entries, in the same form, live in
-- ~/.config/lualab/models.lua.
--
-- url: https://…, npm:package@version/path or deb:package/path; mirrors: more of them, tried in
-- turn. input: width and height that the network takes. fit: how a photo goes in (pad, stretch or
-- crop). mean: the byte that padding is made of. scale, offset: what a float network gets for a
-- byte, byte * scale + offset (byte networks take bytes as they are). threshold: for networks with
-- one channel, the logit above which a pixel is class 1. Labels are those of a dataset, or given
-- here: labels = { names by class id }, colors = { 0xRRGGBB, … }.

local coral = "https://raw.githubusercontent.com/google-coral/test_data/"
  .. "104342d2d3480b3e66203073dac24f4e2dbb4c41/"
local mlcommons = "https://raw.githubusercontent.com/mlcommons/mobile_models/"
  .. "1f9963316b81a63fdef1040133ae64f6e8879c5b/v0_7/tflite/"
local skimage = "https://raw.githubusercontent.com/scikit-image/scikit-image/"
  .. "cd0a3d22b9f359f05618d75d5c7a29b91b4951ca/src/_skimage2/data/"
-- Debian's package of the same library carries the same files.
local skimage_deb = "deb:python3-skimage/usr/lib/python3/dist-packages/skimage/data/"

return {
  -- What `lualab photo.jpg` uses.
  default = "pascal",

  models = {
    {
      name = "pascal",
      summary = "DeepLabv3 MobileNetV2, 20 kinds of things and the background",
      file = "deeplabv3_mnv2_pascal_quant.tflite",
      sha256 = "350af47fd346ea6d74b58833a351f583ba860e9806ec5bd292ff8d8f1f249398",
      bytes = 2193224,
      url = coral .. "deeplabv3_mnv2_pascal_quant.tflite",
      licence = "Apache-2.0", dataset = "pascal",
      input = { width = 513, height = 513 }, fit = "pad", mean = 128,
    },
    {
      name = "pascal-small",
      summary = "the same at half the width: a third of the time",
      file = "deeplabv3_mnv2_dm05_pascal_quant.tflite",
      sha256 = "0470d2a782aa54eeeb99d32e7b6b3fb7722905c7c4f5d26bd957ec861366d48b",
      bytes = 760904,
      url = coral .. "deeplabv3_mnv2_dm05_pascal_quant.tflite",
      licence = "Apache-2.0", dataset = "pascal",
      input = { width = 513, height = 513 }, fit = "pad", mean = 128,
    },
    {
      name = "cityscapes",
      summary = "DeepLab MobileNet-EdgeTPU, 19 kinds of things in streets",
      file = "deeplab_mobilenet_edgetpu_slim_cityscapes_quant.tflite",
      sha256 = "322fe29945cb1693f426952f2a330ab67ea5678545ddee6f2548e0cfd0ca03e5",
      bytes = 2157328,
      url = coral .. "deeplab_mobilenet_edgetpu_slim_cityscapes_quant.tflite",
      licence = "Apache-2.0", dataset = "cityscapes",
      input = { width = 513, height = 513 }, fit = "pad", mean = 128,
    },
    {
      name = "ade20k",
      summary = "DeepLabv3+ MobileNetV2, the 31 commonest of ADE20K's classes",
      file = "deeplabv3_mnv2_ade20k_uint8.tflite",
      sha256 = "2d58c681d81b5e181816b81cc815b82edf3daad905b4d7d35afade80aee93b5f",
      bytes = 2348952,
      url = mlcommons .. "deeplabv3_mnv2_ade20k_uint8.tflite",
      licence = "Apache-2.0", dataset = "ade20k-32",
      input = { width = 512, height = 512 }, fit = "pad", mean = 128,
    },
    {
      name = "ade20k-int8",
      summary = "the same network with one scale a channel",
      file = "deeplabv3_mnv2_ade20k_int8.tflite",
      sha256 = "3960571f5e2de1cec771a8f7a15b86f31b94cceccac8d993addbc1e29829de6a",
      bytes = 2937616,
      url = mlcommons .. "deeplabv3_mnv2_ade20k_int8.tflite",
      licence = "Apache-2.0", dataset = "ade20k-32",
      input = { width = 512, height = 512 }, fit = "pad", mean = 128,
    },
    {
      name = "pascal-float",
      summary = "DeepLabv3 MobileNetV2 at half the width, floating point, 257 pixels",
      file = "deeplabv3_257_mv_gpu.tflite",
      sha256 = "68a539782c2c6a72f8aac3724600124a85ed977162b44e84cbae5db717c933c6",
      bytes = 2779264,
      url = "https://raw.githubusercontent.com/floe/backscrub/"
        .. "c003ad7128c3b76bbd2a9078af1c035283b2d315/models/deeplabv3_257_mv_gpu.tflite",
      licence = "Apache-2.0", dataset = "pascal",
      input = { width = 257, height = 257 }, fit = "stretch", mean = 128,
      scale = 1 / 127.5, offset = -1,
    },
    {
      name = "portrait",
      summary = "DeepLabv3 MobileNetV2 for portraits, floating point",
      file = "deeplab_aiseg513_dm05_float.tflite",
      sha256 = "38b3f31099b2aa8a826d51f7890225d72a2c57a849f4a09f988b5247716bac34",
      bytes = 3280028,
      url = "https://raw.githubusercontent.com/anilsathyan7/Portrait-Segmentation/"
        .. "dbf69b043cf70d3362bc500ee620f20807e622d2/models/deeplab_dm05_513/"
        .. "deeplab_aiseg513_dm05_float.tflite",
      licence = "MIT", dataset = "person",
      input = { width = 513, height = 513 }, fit = "stretch", mean = 128,
      scale = 1 / 127.5, offset = -1,
    },
    {
      name = "selfie",
      summary = "MediaPipe selfie segmentation: person or not, 249 KB",
      file = "selfie_segmentation.tflite",
      sha256 = "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
      bytes = 249024,
      url = "npm:@mediapipe/selfie_segmentation@0.1.1675465747/selfie_segmentation.tflite",
      licence = "Apache-2.0", dataset = "person",
      input = { width = 256, height = 256 }, fit = "pad", mean = 128,
      scale = 1 / 255, offset = 0, threshold = 0,
    },
  },

  -- Photos that may be shown to anybody, for the demo and the examples.
  samples = {
    {
      name = "astronaut",
      summary = "Eileen Collins, photographed by NASA",
      file = "astronaut.png",
      sha256 = "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
      bytes = 791555,
      url = skimage .. "astronaut.png", mirrors = { skimage_deb .. "astronaut.png" },
      licence = "public domain",
    },
    {
      name = "chelsea",
      summary = "a cat, photographed by Stefan van der Walt",
      file = "chelsea.png",
      sha256 = "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
      bytes = 240512,
      url = skimage .. "chelsea.png", mirrors = { skimage_deb .. "chelsea.png" },
      licence = "CC0-1.0",
    },
    {
      name = "rocket",
      summary = "a rocket on its pad at night, photographed by SpaceX",
      file = "rocket.jpg",
      sha256 = "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
      bytes = 112525,
      url = skimage .. "rocket.jpg", mirrors = { skimage_deb .. "rocket.jpg" },
      licence = "public domain",
    },
  },
}
