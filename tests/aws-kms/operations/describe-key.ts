import type { Operation } from './operation.ts'

/** `DescribeKey`, in any state. */
export const describeKey: Operation = (input, { keys }) => {
  const key = keys.find(input['KeyId'])
  return {
    KeyMetadata: {
      AWSAccountId: keys.account,
      KeyId: key.id,
      Arn: key.arn,
      CreationDate: key.createdAt / 1000,
      Enabled: key.state === 'Enabled',
      Description: '',
      KeyUsage: 'ENCRYPT_DECRYPT',
      KeyState: key.state,
      Origin: 'AWS_KMS',
      KeyManager: 'CUSTOMER',
      CustomerMasterKeySpec: 'SYMMETRIC_DEFAULT',
      KeySpec: 'SYMMETRIC_DEFAULT',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      MultiRegion: false,
    },
  }
}
