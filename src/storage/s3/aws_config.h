/* The AWS CLI's shared files: ~/.aws/config and ~/.aws/credentials, or those that AWS_CONFIG_FILE and
 * AWS_SHARED_CREDENTIALS_FILE name.  Both are read into one table; for a key in both the credentials file counts. */
#ifndef FREIGHTLAKE_STORAGE_S3_AWS_CONFIG_H
#define FREIGHTLAKE_STORAGE_S3_AWS_CONFIG_H

#include "base/text.h"

typedef struct AwsConfig AwsConfig;

/* Files that are not there count as empty.  CONFIG with file and line where one cannot be understood. */
Status aws_config_load(AwsConfig **ret_config, Error *err) MUST_CHECK;
void aws_config_free(AwsConfig *config); /* wipes what it held; NULL is fine */

bool aws_config_has_profile(const AwsConfig *config, const char *profile);
/* NULL when it is not set.  A nested key is asked for as "s3.addressing_style". */
const char *aws_config_get(const AwsConfig *config, const char *profile, const char *key);
/* The same in a [services NAME] section. */
const char *aws_config_service(const AwsConfig *config, const char *services, const char *key);
/* For error messages: the files that were looked at. */
const char *aws_config_files(const AwsConfig *config);

/* Text of one file, for tests: `credentials` is whether plain section names are profiles. */
Status aws_config_parse(AwsConfig *config, char *text, const char *file, bool credentials, Error *err) MUST_CHECK;
AwsConfig *aws_config_new(void);

#endif
