// Precompiled for the files of this folder (see CMakeLists.txt); nothing includes it.
#pragma once

#include <grpcpp/grpcpp.h>
#include <hearth/v1/admin.grpc.pb.h>
#include <hearth/v1/entitlement.grpc.pb.h>
#include <hearth/v1/geofence.grpc.pb.h>
#include <hearth/v1/intervention.grpc.pb.h>
#include <hearth/v1/location.grpc.pb.h>
#include <hearth/v1/registry.grpc.pb.h>
#include <hearth/v1/schedule.grpc.pb.h>

#include "src/app/head_end.h"
