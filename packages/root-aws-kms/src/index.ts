/**
 * A root key in AWS KMS.
 *
 * @packageDocumentation
 */
export { awsKmsRootKey } from './aws-kms-root-key.ts'
export type { AwsKmsClient, AwsKmsRootKeyOptions } from './options.ts'
